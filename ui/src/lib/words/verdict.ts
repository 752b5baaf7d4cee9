import type { ReplyRow } from "../bindings";
import { t, tIfKnown } from "../i18n/index.svelte";
import { day } from "../time";

/** The author, as a person would call them. */
export function who(row: ReplyRow): string {
  return row.fromName || row.from || t("common.unknown_person");
}

/** What happened, in one sentence. */
export function headline(row: ReplyRow): string {
  const prospect = row.prospect || t("common.unknown_person");
  const values = { who: who(row), prospect, address: row.from ?? "" };
  if (row.question) return t("headline.question", values);
  switch (row.kind) {
    case "reply":
      if (row.intent === "opt_out") return t("headline.opt_out", values);
      return (
        tIfKnown(`headline.reply.${row.relation ?? "prospect"}`, values) ??
        t("headline.reply.prospect", values)
      );
    case "auto_reply":
      return row.returnsOn
        ? t("headline.auto_reply_dated", { ...values, date: day(row.returnsOn) })
        : t("headline.auto_reply", values);
    default:
      return tIfKnown(`headline.${row.kind}`, values) ?? t("headline.unknown", values);
  }
}

/** Why it is thought to belong to a tracked email, in one sentence; empty where it isn't. */
export function because(row: ReplyRow): string {
  if (!row.rung) return "";
  return tIfKnown(`because.${row.rung}`, { email: yourEmail(row) }) ?? "";
}

/** `your email of 18 Nov`. */
export function yourEmail(row: ReplyRow): string {
  return row.sentAt ? t("common.your_email_of", { date: day(row.sentAt) }) : t("common.your_email");
}

export type Tone = "good" | "calm" | "warn" | "bad" | "quiet";

/** What was done about it, the weightiest first. */
export function outcomes(row: ReplyRow): { text: string; tone: Tone }[] {
  if (row.question) return [{ text: t("outcome.question"), tone: "warn" }];
  if (row.retracted) return [{ text: t("outcome.retracted"), tone: "quiet" }];
  const done: { text: string; tone: Tone }[] = [];
  if (row.actions.includes("stop")) done.push({ text: t("outcome.stop"), tone: "good" });
  if (row.actions.includes("pause"))
    done.push({
      text: row.pauseUntil ? t("outcome.pause_until", { date: day(row.pauseUntil) }) : t("outcome.pause"),
      tone: "calm",
    });
  if (row.actions.includes("suppress")) done.push({ text: t("outcome.suppress"), tone: "bad" });
  if (row.actions.includes("log")) done.push({ text: t("outcome.log"), tone: "quiet" });
  return done.length > 0 ? done : [{ text: t("outcome.nothing"), tone: "quiet" }];
}

/** The colour and drawing of a kind. */
export function kindTone(kind: string): Tone {
  switch (kind) {
    case "reply":
    case "calendar_response":
      return "good";
    case "auto_reply":
    case "acknowledgement":
    case "receipt":
      return "calm";
    case "bounce":
    case "complaint":
      return "bad";
    case "delay":
    case "challenge":
      return "warn";
    default:
      return "quiet";
  }
}

export function kindName(kind: string): string {
  return tIfKnown(`kind.${kind}`) ?? t("kind.unknown");
}
