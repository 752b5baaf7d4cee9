import type { Page } from "@playwright/test";
import type { Overview, ReplyRow, Settings } from "../src/lib/bindings";
import * as data from "./data";

export interface Scene {
  overview?: Overview;
  rows?: ReplyRow[];
  language?: string;
  settings?: Partial<Settings["preferences"]>;
  startAtLogin?: boolean;
  /** Answers by command name, instead of the usual ones. */
  answers?: Record<string, unknown>;
}

/** Opens a page with the agent played by this scene. Every call is kept in `window.calls`. */
export async function open(page: Page, path: string, scene: Scene = {}): Promise<void> {
  const rows = scene.rows ?? data.rows;
  const overview = scene.overview ?? data.busy;
  await page.clock.setFixedTime(new Date(data.NOW));
  await page.addInitScript(play, {
    rows,
    details: Object.fromEntries(rows.slice(0, 50).map((row) => [row.id, data.detail(row)])),
    answers: {
      settings: {
        ...data.settings,
        language: scene.language ?? "en",
        startAtLogin: scene.startAtLogin ?? true,
        preferences: { ...data.settings.preferences, ...scene.settings },
      },
      overview: { ...overview, latest: rows === data.rows ? overview.latest : rows.slice(0, 10) },
      outbox: overview === data.empty ? [] : data.outbox,
      test_mailbox: data.goodMailbox,
      test_backend: data.doctor.slice(-3, -1),
      add_mailbox: data.account,
      doctor: data.doctor,
      history: overview === data.empty ? { days: [], medianMinutes: null } : data.history,
      discover: [],
      organisation: { managed: true, backendUrl: null, salesforce: null, contact: "it@sales.example" },
      pairing: null,
      begin_pairing: data.pairing,
      take_link: null,
      newer_version: null,
      preview_rules: data.preview,
      message_text: {
        text: "That is exactly what we need.\n\nCan you come by on Thursday at ten?",
        cut: false,
      },
      change_mailbox: data.account,
      change_server: data.account,
      begin_sign_in: data.signingIn,
      export_config: "/home/rep/Downloads/answerback-settings.toml",
      read_import: {
        newMailboxes: ["flynn@encom.com"],
        knownMailboxes: [],
        backend: null,
        rulesDiffer: true,
      },
      journal: data.journal,
      support_report: "Answerback 0.1.0 on linux x86_64\n\n== State ==\nWatching, 2140 tracked sends",
      save_support_report: "/home/rep/Downloads/answerback-report.txt",
      rules: data.rules,
      set_rule: data.rules,
      set_log_level: { ...data.rules, logLevel: "snippet" },
      salesforce_mapping: data.salesforceMapping,
      set_salesforce_mapping: null,
      ...scene.answers,
    },
  });
  await page.goto(`/#/${path}`);
}

/** Runs in the page, before anything of it; knows nothing from outside. */
function play(scene: {
  rows: ReplyRow[];
  details: Record<number, unknown>;
  answers: Record<string, unknown>;
}): void {
  const calls: { command: string; values: Record<string, unknown> }[] = [];
  const listeners: ((event: unknown) => void)[] = [];
  const callbacks: Record<number, (event: unknown) => void> = {};
  let next = 1;
  const answer = (command: string, values: Record<string, unknown>): unknown => {
    switch (command) {
      case "plugin:event|listen": {
        const listener = callbacks[values.handler as number];
        if (listener) listeners.push(listener);
        return 1;
      }
      case "plugin:event|unlisten":
        return null;
      case "replies": {
        const filter = values.filter as {
          search: string;
          kinds: string[];
          questionsOnly: boolean;
          offset: number;
          limit: number;
        };
        const match = scene.rows.filter(
          (row) =>
            (filter.kinds.length === 0 || filter.kinds.includes(row.kind)) &&
            (!filter.questionsOnly || row.question) &&
            `${row.fromName} ${row.from} ${row.subject} ${row.campaign}`
              .toLowerCase()
              .includes(filter.search.toLowerCase()),
        );
        return { total: match.length, rows: match.slice(filter.offset, filter.offset + filter.limit) };
      }
      case "reply":
        return scene.details[values.id as number];
      case "answer_question":
      case "affirm":
      case "retract": {
        const detail = scene.details[values.id as number] as { row: ReplyRow };
        detail.row.question = false;
        if (command !== "answer_question") detail.row.retracted = command === "retract";
        return detail;
      }
      case "set_start_at_login":
        return Object.assign(scene.answers.settings as Settings, { startAtLogin: values.enabled });
      case "save_preferences": {
        const settings = scene.answers.settings as Settings;
        settings.preferences = values.preferences as Settings["preferences"];
        settings.language = settings.preferences.language ?? "en";
        return settings;
      }
      default:
        return scene.answers[command] ?? null;
    }
  };
  Object.assign(window, {
    calls,
    /** As if the agent had changed: some answers are new, and the window is told. */
    change: (answers: Record<string, unknown>, what: unknown) => {
      Object.assign(scene.answers, answers);
      listeners.forEach((listener) => listener({ event: "changed", id: 1, payload: what }));
    },
    __TAURI_EVENT_PLUGIN_INTERNALS__: { unregisterListener: () => undefined },
    __TAURI_INTERNALS__: {
      transformCallback: (callback: (event: unknown) => void) => {
        callbacks[next] = callback;
        return next++;
      },
      invoke: async (command: string, values: Record<string, unknown>) => {
        calls.push({ command, values });
        const given = answer(command, values);
        if (given && typeof given === "object" && "fails" in given) throw given.fails;
        return structuredClone(given);
      },
    },
  });
}
