import type { AccountView, Check, Problem } from "../bindings";
import { tIfKnown } from "../i18n/index.svelte";

const placeholders = (problem: Problem) => ({ about: problem.about, client: problem.clientId ?? "…" });

/** What happened, in the rep's language; the agent's English where there is no translation. */
export function summary(problem: Problem): string {
  return tIfKnown(`problem.${problem.code}`, placeholders(problem)) ?? problem.summary;
}

/** What to do now. */
export function remedy(problem: Problem): string {
  return tIfKnown(`problem.${problem.code}.remedy`, placeholders(problem)) ?? problem.remedy;
}

/** A check's name. */
export function checkName(check: Pick<Check, "name">): string {
  return tIfKnown(`check.${check.name}`) ?? check.name;
}

/** What the browser's sign-in says that a further sign-in may mend. */
const SIGN_IN = new Set([
  "sign_in_again",
  "wrong_account",
  "no_client_id",
  "consent_refused",
  "admin_consent",
  "ews_not_allowed",
  "client_blocked",
  "scope_missing",
  "bad_client",
  "secret_missing",
]);

/** Which button mends a mailbox's problem. */
export function accountRemedy(account: AccountView): "password" | "sign_in" | "retry" | undefined {
  if (!account.problem) return undefined;
  const { code } = account.problem;
  if (account.provider) return SIGN_IN.has(code) ? "sign_in" : "retry";
  return code === "wrong_password" || code === "secret_missing" ? "password" : "retry";
}
