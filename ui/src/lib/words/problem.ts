import type { Check, Problem } from "../bindings";
import { tIfKnown } from "../i18n/index.svelte";

/** What happened, in the rep's language; the agent's English where there is no translation. */
export function summary(problem: Problem): string {
  return tIfKnown(`problem.${problem.code}`, { about: problem.about }) ?? problem.summary;
}

/** What to do now. */
export function remedy(problem: Problem): string {
  return tIfKnown(`problem.${problem.code}.remedy`, { about: problem.about }) ?? problem.remedy;
}

/** A check's name. */
export function checkName(check: Pick<Check, "name">): string {
  return tIfKnown(`check.${check.name}`) ?? check.name;
}
