import { expect, test } from "vitest";
import type { AccountView, Problem } from "../bindings";
import { useLanguage } from "../i18n/index.svelte";
import { accountRemedy, remedy } from "./problem";

const account = (code: string | null, provider: string | null) =>
  ({
    provider,
    signInHost: null,
    takesPassword: !provider,
    problem: code && { code, summary: "", remedy: "", about: "" },
  }) as AccountView;

test.each([
  [null, null, undefined],
  ["wrong_password", null, "password"],
  ["secret_missing", null, "password"],
  ["secret_missing", "google", "sign_in"],
  ["sign_in_again", "microsoft", "sign_in"],
  ["admin_consent", "microsoft", "sign_in"],
  ["keychain_locked", null, "retry"],
  ["keychain_locked", "google", "retry"],
  ["no_network", null, "retry"],
  ["settings", null, "server"],
  ["unsupported", "microsoft", "server"],
])("the problem %s of a mailbox that signs in with %s is mended by %s", (code, provider, expected) => {
  expect(accountRemedy(account(code, provider))).toBe(expected);
});

test("whoever has to ask the administrator is told the client id, in Spanish too", () => {
  const problem: Problem = {
    code: "client_blocked",
    summary: "",
    remedy: "",
    about: "x",
    client: { id: "4711" },
  };
  useLanguage("es");
  expect(remedy(problem)).toContain("4711");
  useLanguage("en");
});

test("where the administrator's page is shown, the remedy speaks of it", () => {
  const problem: Problem = {
    code: "admin_consent",
    summary: "",
    remedy: "Open it.",
    about: "x",
    client: { id: "4711", page: "https://a.example" },
  };
  expect(remedy(problem)).toContain("this page");
  expect(remedy({ ...problem, client: null })).toBe("Open it.");
});
