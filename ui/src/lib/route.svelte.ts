/** Where the window is, kept in the address's hash: `#/replies/12`. */
export const pages = [
  "overview",
  "replies",
  "mailboxes",
  "rules",
  "backend",
  "privacy",
  "diagnostics",
  "settings",
] as const;
export type Page = (typeof pages)[number];

interface Route {
  /** A page, or the first start, which is in no list of pages. */
  page: Page | "start";
  /** What follows the page's name, such as a verdict's number, `add` or `change/` and a mailbox's id. */
  rest: string | undefined;
}

let current = $state(parse(location.hash));
addEventListener("hashchange", () => {
  current = parse(location.hash);
});

export function route(): Route {
  return current;
}

export function go(path: string): void {
  location.hash = `#/${path}`;
}

export function parse(hash: string): Route {
  const [name, ...parts] = hash.replace(/^#\/?/, "").split("/");
  const rest = parts.join("/");
  if (name === "start") return { page: "start", rest: rest || undefined };
  const page = pages.find((known) => known === name);
  return page ? { page, rest: rest || undefined } : { page: "overview", rest: undefined };
}
