import { locale, t, tn } from "./i18n/index.svelte";

/** `14:32`, as the language writes it. */
export function clock(time: Date): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(time);
}

/** `18 Nov`, with the year when it isn't this one. Takes a time or a `YYYY-MM-DD` day. */
export function day(value: string, now: Date = new Date()): string {
  const date = parse(value);
  if (!date) return value;
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", year }).format(date);
}

/** `today at 14:32`, `yesterday at 9:05`, `18 Nov, 9:05`. */
export function moment(value: string, now: Date = new Date()): string {
  const date = parse(value);
  if (!date) return value;
  if (sameDay(date, now)) return t("time.today_at", { time: clock(date) });
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (sameDay(date, yesterday)) return t("time.yesterday_at", { time: clock(date) });
  const tomorrow = new Date(now);
  tomorrow.setDate(now.getDate() + 1);
  if (sameDay(date, tomorrow)) return t("time.tomorrow_at", { time: clock(date) });
  return `${day(value, now)}, ${clock(date)}`;
}

/** For a narrow column: the time today, else the day. */
export function brief(value: string, now: Date = new Date()): string {
  const date = parse(value);
  if (!date) return value;
  return sameDay(date, now) ? clock(date) : day(value, now);
}

function parse(value: string): Date | undefined {
  // A day without a time means that day here, not midnight in Greenwich.
  const date = new Date(/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00` : value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}

/** `40 minutes`, `3 hours`, `2 days`: as large a unit as says enough. */
export function duration(minutes: number): string {
  if (minutes < 90) return tn("chart.minutes", minutes);
  const hours = Math.round(minutes / 60);
  return hours < 48 ? tn("chart.hours", hours) : tn("chart.days", Math.round(hours / 24));
}
