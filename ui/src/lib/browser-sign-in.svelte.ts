import { agent, problemOf } from "./agent";
import type { BrowserSignIn as MailboxSignIn, Check, Problem } from "./bindings";

type Begun = Pick<MailboxSignIn, "id" | "url"> & Partial<Pick<MailboxSignIn, "adminPage">>;

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
  run(begin: () => Promise<MailboxSignIn>): Promise<boolean> {
    this.checks = [];
    this.second = false;
    return this.waitFor(begin, async (begun, show) => {
      let came = await agent.finishSignIn(begun.id);
      while (came.outcome === "next") {
        this.second = true;
        show(came.signIn);
        came = await agent.finishSignIn(came.signIn.id);
      }
      this.checks = came.checks;
      return came.outcome === "watched";
    });
  }

  /** Opens a page and waits for what `finish` makes of the sign-in, which may `show` another page; gives what it gave. */
  async waitFor(
    begin: () => Promise<Begun>,
    finish: (begun: Begun, show: (next: Begun) => void) => Promise<boolean>,
  ): Promise<boolean> {
    this.problem = undefined;
    let shown: Begun | undefined;
    const show = (next: Begun) => {
      shown = next;
      this.waiting = next;
    };
    try {
      const begun = await begin();
      show(begun);
      return await finish(begun, show);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code !== "sign_in_cancelled") this.problem = problem;
      return false;
    } finally {
      if (this.waiting?.id === shown?.id) this.waiting = undefined;
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
