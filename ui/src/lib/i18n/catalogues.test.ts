// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import en from "./en.json";
import es from "./es.json";

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
// The agent's own English is used for its problems, so only the other languages have them.
const ofTheAgent = (key: string) => key.startsWith("problem.") && !(key in en);

test("every catalogue has the same keys", () => {
  const spanish = Object.keys(es).filter((key) => !ofTheAgent(key));
  expect(spanish.sort()).toEqual(Object.keys(en).sort());
});

test("every translation keeps the placeholders", () => {
  for (const [key, text] of Object.entries(en)) {
    expect(placeholders((es as Record<string, string>)[key] ?? ""), key).toEqual(placeholders(text));
  }
});

test("every translated problem says what happened and what to do", () => {
  const codes = Object.keys(es).filter((key) => ofTheAgent(key) && !key.endsWith(".remedy"));
  expect(codes.length).toBeGreaterThan(30);
  for (const code of codes) expect(es, code).toHaveProperty([`${code}.remedy`]);
});

test("every problem that the agent can have is translated", () => {
  const source = readFileSync(new URL("../../../../crates/agent/src/problem.rs", import.meta.url), "utf8");
  const list = source.match(/^\/\/! The codes, [^]*?\.$/m)?.[0] ?? "";
  const codes = [...list.matchAll(/`(\w+)`/g)].map((match) => match[1]);
  expect(codes.length).toBeGreaterThan(40);
  // What only a terminal is told, and what the window keeps to itself.
  const untold = ["not_deleted", "sign_in_cancelled"];
  for (const code of codes.filter((code) => !untold.includes(code ?? "")))
    expect(es, code).toHaveProperty([`problem.${code}`]);
});
