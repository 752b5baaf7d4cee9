import type { Overview } from "../bindings";
import { t, tn } from "../i18n/index.svelte";
import { moment } from "../time";

/** One calm sentence about everything. */
export function overviewSentence(overview: Overview): string {
  switch (overview.state) {
    case "attention":
      return attention(overview);
    case "offline":
      return t("overview.offline");
    case "paused":
      return overview.pausedUntil
        ? t("overview.paused_until", { time: moment(overview.pausedUntil) })
        : t("overview.paused");
    case "set_up":
      return t("overview.set_up");
    case "watching":
      return `${tn("overview.watching", overview.accounts.length)} ${tn("overview.answered", overview.today.replies)}`;
  }
}

/** Who it is that needs the rep. */
function attention({ accounts, backend }: Overview): string {
  const [first, ...others] = accounts.filter((account) => account.state === "needs_attention");
  if (first && backend.state !== "needs_attention")
    return others.length > 0
      ? tn("overview.attention_mailboxes", others.length + 1)
      : t("overview.attention_mailbox", { address: first.address });
  return !first && backend.state === "needs_attention"
    ? t("overview.attention_backend")
    : t("overview.attention");
}

/** What else is worth knowing at a glance. */
export function overviewSubline(overview: Overview): string {
  if (overview.accounts.length === 0) return "";
  if (overview.accounts.some((account) => account.state === "scanning")) return t("overview.scanning");
  // The mailbox that lags furthest behind says how far everything has been checked.
  const times = overview.accounts.map((account) => account.checkedUpTo);
  const known = times.filter((time) => time !== null);
  const oldest = [...known].sort()[0];
  const checked =
    oldest !== undefined && known.length === times.length
      ? t("overview.checked", { time: moment(oldest) })
      : "";
  const noBackend = overview.backend.state === "not_connected" ? t("overview.no_backend") : "";
  return [checked, noBackend].filter(Boolean).join(" ");
}
