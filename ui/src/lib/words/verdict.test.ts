import { beforeEach, expect, test } from "vitest";
import { row } from "../../../e2e/data";
import type { ReplyRow } from "../bindings";
import { useLanguage } from "../i18n/index.svelte";
import { because, headline, outcomes } from "./verdict";

beforeEach(() => useLanguage("en"));

const cases: [string, Partial<ReplyRow>, string][] = [
  ["another address", {}, "Kevin Flynn answered from another address (kevinf@flynnsarcade.com)."],
  ["the prospect", { relation: "prospect" }, "Kevin Flynn answered."],
  [
    "somebody copied",
    { relation: "copied", fromName: "Alan Bradley" },
    "Alan Bradley, who had a copy, answered.",
  ],
  ["no name", { relation: "prospect", fromName: null }, "kevinf@flynnsarcade.com answered."],
  ["nobody at all", { relation: "prospect", fromName: null, from: null }, "Somebody answered."],
  ["an opt-out", { intent: "opt_out" }, "Kevin Flynn asks not to be written to again."],
  [
    "an absence with a day",
    { kind: "auto_reply", returnsOn: "2031-12-01" },
    "Kevin Flynn is out of office, back on Dec 1, 2031.",
  ],
  ["an absence", { kind: "auto_reply" }, "Kevin Flynn is out of office."],
  ["a bounce", { kind: "bounce" }, "Your email to Kevin Flynn could not be delivered."],
  [
    "a kind from the future",
    { kind: "hologram" },
    "A message from Kevin Flynn that could not be told apart.",
  ],
  ["a question", { question: true }, "Perhaps an answer from Kevin Flynn."],
];
test.each(cases)("%s", (_, change, sentence) => {
  expect(headline({ ...row, ...change })).toBe(sentence);
});

test("the reason names the day of the email that was answered", () => {
  expect(because({ ...row, sentAt: "2031-11-18T08:00:00Z" })).toBe(
    "It was written as an answer to your email of Nov 18, 2031.",
  );
  expect(because({ ...row, rung: null })).toBe("");
});

test("what was done stands with the weightiest first", () => {
  const suppressed = { ...row, actions: ["log", "suppress", "stop"] };
  expect(outcomes(suppressed).map((outcome) => outcome.text)).toEqual([
    "Campaign stopped",
    "Address blocked",
    "Logged",
  ]);
  expect(outcomes({ ...row, retracted: true }).map((outcome) => outcome.text)).toEqual(["Taken back by you"]);
  expect(outcomes({ ...row, actions: [] }).map((outcome) => outcome.text)).toEqual(["Nothing done"]);
});

test("the same verdict in Spanish", () => {
  useLanguage("es");
  expect(headline(row)).toBe("Kevin Flynn ha respondido desde otra dirección (kevinf@flynnsarcade.com).");
});
