import { beforeEach, expect, test } from "vitest";
import { account, busy, empty } from "../../../e2e/data";
import { useLanguage } from "../i18n/index.svelte";
import { overviewSentence, overviewSubline } from "./overview";

beforeEach(() => useLanguage("en"));

test("the sentence counts mailboxes and people", () => {
  expect(overviewSentence(busy)).toBe("Watching 2 mailboxes. 3 people answered today.");
  const quiet = { ...busy, accounts: [account], today: { ...busy.today, replies: 0 } };
  expect(overviewSentence(quiet)).toBe("Watching 1 mailbox. Nobody has answered yet today.");
  const one = { ...quiet, today: { ...busy.today, replies: 1 } };
  expect(overviewSentence(one)).toBe("Watching 1 mailbox. 1 person answered today.");
});

test("a trouble comes before the counts", () => {
  expect(overviewSentence({ ...busy, state: "attention" })).toBe("Something needs your attention.");
  expect(overviewSentence(empty)).toContain("Connect your mailbox");
});

test("everything is checked only as far as the mailbox that lags most", () => {
  const ahead = { ...account, id: "b", checkedUpTo: "2031-11-20T12:00:00Z" };
  const behind = { ...account, checkedUpTo: "2031-11-19T12:00:00Z" };
  expect(overviewSubline({ ...busy, accounts: [ahead, behind] })).toContain("Nov 19, 2031");
  const unknown = { ...account, id: "c", checkedUpTo: null };
  expect(overviewSubline({ ...busy, accounts: [ahead, unknown] })).toBe("");
});
