import type { AccountView, Door, MailboxDraft, MailboxSecurity, ServerDraft, ServerView } from "./bindings";
import { t } from "./i18n/index.svelte";

export type Field = "address" | "password" | "host" | "port";

const words = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

/** What the rep types in so that a mailbox is watched. */
export class MailboxForm {
  address = $state("");
  aliases = $state("");
  colleagues = $state("");
  password = $state("");
  username = $state("");
  caFile = $state("");
  /** How the mailbox is reached; unknown before it was found out or chosen. */
  door = $state<Door>();
  host = $state("");
  port = $state("993");
  security = $state<MailboxSecurity>("tls");
  /** The Exchange server; empty as long as Autodiscover is to find it. */
  exchange = $state("");
  autodiscover = $state<string | null>(null);
  errors = $state<Partial<Record<Field, string>>>({});

  get hasAddress(): boolean {
    return /^\S+@\S+$/.test(this.address.trim());
  }

  get domain(): string {
    return this.address.trim().split("@").at(-1) ?? "";
  }

  /** Fills in what was found out. */
  use(found: ServerView): void {
    this.door = found.door;
    if (found.door === "ews") {
      const usual = found.host === `autodiscover.${this.domain.toLowerCase()}`;
      this.autodiscover = usual ? null : `https://${found.host}/autodiscover/autodiscover`;
    } else {
      ({ host: this.host, security: this.security } = found);
      this.port = String(found.port);
    }
    this.username = found.username === this.address.trim() ? "" : found.username;
  }

  /** Fills in how a mailbox that is there is reached. */
  fill(account: AccountView, server: ServerDraft): void {
    this.address = account.address;
    this.door = server.door;
    if (server.door === "graph") return;
    this.username = server.username;
    this.caFile = server.caFile ?? "";
    if (server.door === "ews") {
      this.exchange = server.server;
      this.autodiscover = server.autodiscover ?? null;
    } else {
      ({ host: this.host, security: this.security } = server);
      this.port = String(server.port);
    }
  }

  /** What to send; nothing while one of these fields is wrong, which then says so. */
  draft(needed: Field[]): MailboxDraft | undefined {
    const port = Number(this.port);
    const wrong: Record<Field, string | undefined> = {
      address: this.hasAddress ? undefined : t("add.invalid_address"),
      password: this.password ? undefined : t("add.required"),
      host: this.host.trim() ? undefined : t("add.required"),
      port: /^\d+$/.test(this.port.trim()) && port >= 1 && port <= 65535 ? undefined : t("add.invalid_port"),
    };
    this.errors = Object.fromEntries(needed.map((field) => [field, wrong[field]]));
    if (Object.values(this.errors).some(Boolean)) return undefined;
    return {
      address: this.address.trim(),
      aliases: words(this.aliases),
      colleagues: words(this.colleagues),
      server: this.server(),
      password: this.password,
    };
  }

  private server(): ServerDraft {
    const username = this.username.trim();
    const caFile = this.caFile.trim() || null;
    switch (this.door) {
      case "graph":
        return { door: "graph" };
      case "ews":
        return {
          door: "ews",
          server: this.exchange.trim(),
          autodiscover: this.autodiscover,
          username,
          caFile,
        };
      default:
        return {
          door: "imap",
          host: this.host.trim(),
          port: Number(this.port),
          security: this.security,
          username,
          caFile,
        };
    }
  }
}
