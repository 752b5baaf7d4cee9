import { agent, problemOf } from "./agent";
import {
  events,
  type Changed,
  type History,
  type Overview,
  type Preferences,
  type Problem,
  type Settings,
  type UpdateView,
} from "./bindings";
import { useLanguage } from "./i18n/index.svelte";

type Listener = (changed: Changed) => void;

/** What every page needs: the state of everything, and the window's settings. */
class WindowState {
  overview = $state<Overview>();
  history = $state<History>();
  /** How many questions wait for the rep. */
  questions = $state(0);
  /** Why there is no overview. */
  problem = $state<Problem>();
  settings = $state<Settings>();
  /** A newer version that can be installed. */
  update = $state<UpdateView | null>(null);
  /** Something was still to be connected since the window opened: the first steps are shown to their end. */
  settingUp = $state(false);

  /** The first start was left for later since the window opened. */
  startLeft = $state(false);

  private readonly listeners = new Set<Listener>();
  private pending: ReturnType<typeof setTimeout> | undefined;

  async loadSettings(): Promise<void> {
    try {
      this.take(await agent.settings());
    } catch (error) {
      this.problem = problemOf(error);
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.paint();
  }

  async savePreferences(change: Partial<Preferences>): Promise<void> {
    if (!this.settings) return;
    this.take(await agent.savePreferences({ ...this.settings.preferences, ...change }));
  }

  async setStartAtLogin(enabled: boolean): Promise<void> {
    this.take(await agent.setStartAtLogin(enabled));
  }

  /** Keeps the overview fresh until the returned function is called. */
  follow(): () => void {
    const unlisten = events.changed.listen((event) => {
      this.listeners.forEach((listener) => listener(event.payload));
      if (event.payload.what === "update") return void this.lookForUpdate();
      // Many changes in a row are one refresh.
      this.pending ??= setTimeout(() => {
        this.pending = undefined;
        void this.refresh();
      }, 120);
    });
    void this.refresh();
    void this.lookForUpdate();
    return () => {
      clearTimeout(this.pending);
      void unlisten.then((stop) => stop());
    };
  }

  /** Calls back on each change until the returned function is called. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async refresh(): Promise<void> {
    try {
      const [overview, questions, history] = await Promise.all([
        agent.overview(),
        agent.replies({ search: "", kinds: [], questionsOnly: true, offset: 0, limit: 1 }),
        agent.history(30),
      ]);
      this.history = history;
      this.overview = overview;
      if (overview.accounts.length === 0 || overview.backend.state === "not_connected") this.settingUp = true;
      this.questions = questions.total;
      this.problem = undefined;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  private async lookForUpdate(): Promise<void> {
    // Without an answer there is nothing to offer.
    this.update = await agent.newerVersion().catch(() => null);
  }

  private take(settings: Settings): void {
    this.settings = settings;
    useLanguage(settings.language);
    this.paint();
  }

  private paint(): void {
    const chosen = this.settings?.preferences.appearance ?? "system";
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = chosen === "system" ? (dark ? "dark" : "light") : chosen;
  }
}

export const windowState = new WindowState();
