import { agent, problemOf } from "./agent";
import type { BrowserSignIn as Begun, Problem } from "./bindings";

/** A sign-in through the browser: begun, waited for, and perhaps called off. */
export class BrowserSignIn {
  /** The one that waits for the rep. */
  waiting = $state<Begun>();
  /** Why the last one came to nothing; calling it off is no problem. */
  problem = $state<Problem>();

  /** Opens the provider's page and waits; gives whether the rep is signed in. */
  async run(begin: () => Promise<Begun>): Promise<boolean> {
    this.problem = undefined;
    let begun: Begun | undefined;
    try {
      begun = await begin();
      this.waiting = begun;
      await agent.finishSignIn(begun.id);
      return true;
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
