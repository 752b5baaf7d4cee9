import { agent, problemOf } from "./agent";
import type { BrowserSignIn as Begun, Check, Problem } from "./bindings";

/** A sign-in through the browser: begun, waited for, and perhaps called off. */
export class BrowserSignIn {
  /** The one that waits for the rep. */
  waiting = $state<Begun>();
  /** The organisation did not allow the first door, and the next one is tried. */
  second = $state(false);
  /** What works of the mailbox, and what doesn't, once the rep is signed in. */
  checks = $state<Check[]>([]);
  /** Why the last one came to nothing; calling it off is no problem. */
  problem = $state<Problem>();

  /** Opens the provider's page and waits; gives whether the mailbox is watched. */
  async run(begin: () => Promise<Begun>): Promise<boolean> {
    this.problem = undefined;
    this.checks = [];
    this.second = false;
    let begun: Begun | undefined;
    try {
      begun = await begin();
      for (;;) {
        this.waiting = begun;
        const came = await agent.finishSignIn(begun.id);
        if (came.outcome === "next") {
          this.second = true;
          begun = came.signIn;
          continue;
        }
        this.checks = came.checks;
        return came.outcome === "watched";
      }
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code !== "sign_in_cancelled") this.problem = problem;
      return false;
    } finally {
      if (this.waiting?.id === begun?.id) this.waiting = undefined;
    }
  }

  /** Opens the page once more. */
  async openAgain(): Promise<void> {
    if (!this.waiting) return;
    try {
      await agent.openSignIn(this.waiting.id);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  callOff(): void {
    if (this.waiting) void agent.cancelSignIn(this.waiting.id).catch(() => undefined);
    this.waiting = undefined;
  }
}
