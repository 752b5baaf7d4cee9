import type { AccountView, Check, Problem } from "../bindings";
import { tIfKnown } from "../i18n/index.svelte";

const placeholders = (problem: Problem) => ({ about: problem.about, client: problem.client?.id ?? "…" });

/** What happened, in the rep's language; the agent's English where there is no translation. */
export function summary(problem: Problem): string {
  return tIfKnown(`problem.${problem.code}`, placeholders(problem)) ?? problem.summary;
}

/** What to do now. Where a page is shown beside it that an administrator has to open, it speaks of that. */
export function remedy(problem: Problem): string {
  const withPage = problem.client?.page
    ? tIfKnown(`problem.${problem.code}.remedy_page`, placeholders(problem))
    : undefined;
  return withPage ?? tIfKnown(`problem.${problem.code}.remedy`, placeholders(problem)) ?? problem.remedy;
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

/** What another server or another way to sign in may mend. */
const SERVER = new Set(["settings", "unsupported"]);

/** Which button mends a mailbox's problem. */
export function accountRemedy(account: AccountView): "password" | "sign_in" | "server" | "retry" | undefined {
  if (!account.problem) return undefined;
  const { code } = account.problem;
  if (SERVER.has(code)) return "server";
  if (account.provider) return SIGN_IN.has(code) ? "sign_in" : "retry";
  const password = code === "wrong_password" || code === "secret_missing";
  return password && account.takesPassword ? "password" : "retry";
}
