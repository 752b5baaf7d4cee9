import en from "./en.json";

/** Adding a language is one file in this folder (and one line in `src-tauri/language.rs` for the tray). */
const catalogues = import.meta.glob<Record<string, string>>("./*.json", { eager: true, import: "default" });

export type Key = keyof typeof en;
type Strip<Text, End extends string> = Text extends `${infer Stem}${End}` ? Stem : never;
/** A key that has a form for one and a form for many (and perhaps one for none). */
export type CountedKey = Strip<Key, ".other">;

type Values = Record<string, string | number>;

let code = $state("en");

/** Each language's code and its own name. */
export const languages: readonly { code: string; name: string }[] = Object.entries(catalogues)
  .map(([path, catalogue]) => ({
    code: path.replace(/^\.\/|\.json$/g, ""),
    name: catalogue["language.name"] ?? path,
  }))
  .sort((a, b) => a.name.localeCompare(b.name));

/** The code of the catalogue in use, also for dates and numbers. */
export function language(): string {
  return code;
}

/** How this computer writes dates and numbers in that language: `en-GB` where English is used in Britain. */
export function locale(): string {
  return navigator.languages.find((known) => known.split("-")[0] === code) ?? code;
}

export function useLanguage(wanted: string): void {
  code = catalogue(wanted) ? wanted : "en";
  document.documentElement.lang = code;
  document.documentElement.dir = catalogue(code)?.["language.direction"] ?? "ltr";
}

/** The text of a key, with `{name}` replaced. */
export function t(key: Key, values: Values = {}): string {
  return fill(catalogue(code)?.[key] ?? en[key], values);
}

/** The text of a key that may not exist, such as one made from a problem's code. */
export function tIfKnown(key: string, values: Values = {}): string | undefined {
  const text = catalogue(code)?.[key] ?? (en as Record<string, string>)[key];
  return text === undefined ? undefined : fill(text, values);
}

/** The text of a key for a number, in the form that the language has for it. */
export function tn(key: CountedKey, count: number, values: Values = {}): string {
  const form = count === 0 && tIfKnown(`${key}.zero`) !== undefined ? "zero" : plural(count);
  const shown = { count: formatNumber(count), ...values };
  return tIfKnown(`${key}.${form}`, shown) ?? t(`${key}.other` as Key, shown);
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}

export function formatPercent(share: number | null): string {
  // Nothing that is short of certain is shown as certain.
  const shown = share === null ? 0 : share < 1 ? Math.min(share, 0.99) : 1;
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(shown);
}

function plural(count: number): string {
  return new Intl.PluralRules(code).select(count) === "one" ? "one" : "other";
}

function catalogue(wanted: string): Record<string, string> | undefined {
  return catalogues[`./${wanted}.json`];
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
