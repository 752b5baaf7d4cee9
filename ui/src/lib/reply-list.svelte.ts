import { agent, problemOf } from "./agent";
import type { Problem, ReplyFilter, ReplyRow } from "./bindings";

const PAGE = 100;
type Query = Omit<ReplyFilter, "offset" | "limit">;

/** A list of any length, of which only the pages that were looked at are here. */
export class ReplyList {
  total = $state<number>();
  problem = $state<Problem>();
  private pages = $state<Record<number, ReplyRow[]>>({});
  private query: Query = { search: "", kinds: [], questionsOnly: false };
  private asked: number[] = [];
  /** Counts up with each question, so that a late answer to an old one is dropped. */
  private turn = 0;
  private soon: ReturnType<typeof setTimeout> | undefined;
  private wanted: number[] = [0];

  /** Shows another query from its beginning. */
  async show(query: Query): Promise<void> {
    this.query = query;
    this.wanted = [0];
    await this.refresh();
  }

  /** Asks again for what is in sight; the old rows stay until the new ones are here. */
  async refresh(): Promise<void> {
    this.turn += 1;
    this.asked = [];
    await Promise.all(this.wanted.map((page) => this.load(page, true)));
  }

  /** Many changes in a row are one refresh. */
  refreshSoon(): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.refresh();
    }, 200);
  }

  row(index: number): ReplyRow | undefined {
    return this.pages[Math.floor(index / PAGE)]?.[index % PAGE];
  }

  /** Makes sure that these rows come. */
  need(from: number, to: number): void {
    this.wanted = [];
    for (let page = Math.floor(from / PAGE); page <= Math.floor(Math.max(from, to - 1) / PAGE); page += 1) {
      this.wanted.push(page);
      void this.load(page, false);
    }
  }

  /** The row after or before the one with this number, among those that are here. */
  neighbour(id: number | undefined, step: 1 | -1): ReplyRow | undefined {
    const rows = Object.values(this.pages).flat();
    const at = rows.findIndex((row) => row.id === id);
    return at < 0 ? rows[0] : rows[at + step];
  }

  private async load(page: number, fresh: boolean): Promise<void> {
    if (this.asked.includes(page)) return;
    this.asked.push(page);
    const turn = this.turn;
    try {
      const answer = await agent.replies({ ...this.query, offset: page * PAGE, limit: PAGE });
      if (turn !== this.turn) return;
      // Fresh rows replace all the old ones, because everything may have moved.
      if (fresh && page === this.wanted[0]) this.pages = { [page]: answer.rows };
      else this.pages[page] = answer.rows;
      this.total = answer.total;
      this.problem = undefined;
    } catch (error) {
      if (turn !== this.turn) return;
      this.asked = this.asked.filter((known) => known !== page);
      this.problem = problemOf(error);
    }
  }
}
