import type {
  AccountView,
  BrowserSignIn,
  Check,
  History,
  OutboxRow,
  Overview,
  PairingView,
  Problem,
  ReplyDetail,
  ReplyRow,
  RulesPreview,
  RulesView,
  SalesforceMappingView,
  ServerDraft,
  ServerView,
  Settings,
} from "../src/lib/bindings";

/** The day that the pages under test believe it is. */
export const NOW = "2026-11-20T14:32:00";

const at = (time: string) => new Date(`2026-11-20T${time}`).toISOString();

export const settings: Settings = {
  preferences: {
    language: null,
    appearance: "system",
    notifyAnswers: true,
    notifyQuestions: true,
    notifyContent: true,
    quietHours: null,
    welcomed: false,
  },
  language: "en",
  startAtLogin: true,
  version: "0.1.0",
  updateHost: null,
};

export const row: ReplyRow = {
  id: 7,
  account: "rep@sales.example",
  folder: "INBOX",
  kind: "reply",
  fromName: "Kevin Flynn",
  from: "kevinf@flynnsarcade.com",
  subject: "Re: Space Paranoids",
  receivedAt: at("14:28"),
  relation: "same_person_other_address",
  intent: "none",
  prospect: "Kevin Flynn",
  campaign: "Arcade owners",
  sentAt: "2026-11-18T08:00:00Z",
  confidence: 1,
  rung: "in_reply_to",
  actions: ["stop", "log"],
  returnsOn: null,
  pauseUntil: null,
  retracted: false,
  question: false,
  delivery: "delivered",
};

export const rows: ReplyRow[] = [
  row,
  {
    ...row,
    id: 6,
    fromName: "Alan Bradley",
    from: "alan@encom.com",
    relation: "copied",
    receivedAt: at("14:11"),
    delivery: "waiting",
  },
  {
    ...row,
    id: 5,
    kind: "reply",
    fromName: "Lora Baines",
    from: "lora@encom.com",
    prospect: "Lora Baines",
    relation: "prospect",
    rung: "content",
    confidence: 0.87,
    question: true,
    actions: ["ask"],
    subject: "Laser demo",
    campaign: "Research labs",
    receivedAt: at("13:40"),
    delivery: null,
  },
  {
    ...row,
    id: 4,
    kind: "auto_reply",
    fromName: "Walter Gibbs",
    from: "walter@encom.com",
    relation: "prospect",
    prospect: "Walter Gibbs",
    subject: "Automatic reply: Research budget",
    campaign: "Research labs",
    returnsOn: "2026-12-01",
    pauseUntil: "2026-12-02",
    actions: ["pause", "log"],
    receivedAt: at("11:02"),
  },
  {
    ...row,
    id: 3,
    kind: "bounce",
    fromName: "Mail Delivery System",
    from: "mailer-daemon@mx.dumont.example",
    prospect: "Dumont Guardian",
    relation: null,
    rung: "report",
    actions: ["stop", "suppress", "log"],
    subject: "Undelivered Mail Returned to Sender",
    receivedAt: at("09:47"),
    delivery: "rejected",
  },
  {
    ...row,
    id: 2,
    fromName: "Ed Dillinger",
    from: "ed@dillinger.example",
    relation: "prospect",
    prospect: "Ed Dillinger",
    intent: "opt_out",
    rung: "references",
    actions: ["stop", "suppress", "log"],
    subject: "Stop writing to me",
    receivedAt: "2026-11-19T16:05:00Z",
  },
  {
    ...row,
    id: 1,
    fromName: "Roy Kleinberg",
    from: "roy@encom.com",
    relation: "prospect",
    prospect: "Roy Kleinberg",
    retracted: true,
    rung: "chain",
    receivedAt: "2026-11-17T10:20:00Z",
  },
];

export const wrongPassword: Problem = {
  code: "wrong_password",
  summary: "imap.sales.example did not accept the password of rep@sales.example.",
  remedy: "Enter it again, or create an app password if your provider wants one.",
  about: "rep@sales.example",
};

export const account: AccountView = {
  id: "acc-1",
  address: "rep@sales.example",
  aliases: ["r.ep@sales.example"],
  excludeFolders: ["Newsletters"],
  colleagues: ["sales.example"],
  door: "imap",
  server: "imap.sales.example:993",
  username: null,
  provider: null,
  signInHost: null,
  takesPassword: true,
  state: "watching",
  checkedUpTo: at("14:31"),
  scanProgress: null,
  messagesSeen: 4812,
  problem: null,
  folders: [
    { name: "INBOX", role: "inbox", scanned: true, messagesSeen: 3120, checkedUpTo: at("14:32") },
    { name: "Sent", role: "sent", scanned: true, messagesSeen: 1204, checkedUpTo: at("14:31") },
    { name: "Junk", role: "junk", scanned: true, messagesSeen: 61, checkedUpTo: at("14:30") },
    { name: "Customers/Encom", role: "other", scanned: false, messagesSeen: 427, checkedUpTo: null },
  ],
};

/** A mailbox at Microsoft 365 that nobody has allowed Answerback to read. */
export const microsoft: AccountView = {
  ...account,
  id: "acc-3",
  address: "rep@contoso.example",
  aliases: [],
  colleagues: [],
  excludeFolders: [],
  door: "graph",
  server: "graph.microsoft.com",
  provider: "microsoft",
  signInHost: "login.microsoftonline.com",
  takesPassword: false,
};

export const adminConsent: Problem = {
  code: "admin_consent",
  summary: "Your organisation’s administrator must allow Answerback to read mail first.",
  remedy: "Ask your administrator.",
  about: "rep@contoso.example",
  client: {
    id: "0b6f4c1e-2f3a-4a0e-9d3b-6a1c5f0e7d21",
    page: "https://login.microsoftonline.com/contoso.example/adminconsent?client_id=0b6f4c1e-2f3a-4a0e-9d3b-6a1c5f0e7d21",
  },
};

/** A mailbox on the organisation's own Exchange server. */
export const exchange: AccountView = {
  ...microsoft,
  id: "acc-4",
  address: "rep@sales.example",
  door: "ews",
  server: "mail.sales.example",
  username: "SALES\\rep",
  provider: null,
  signInHost: null,
  takesPassword: true,
};

export const busy: Overview = {
  state: "watching",
  pausedUntil: null,
  accounts: [
    account,
    {
      ...account,
      id: "acc-2",
      address: "team-inbox@sales.example",
      aliases: [],
      state: "scanning",
      scanProgress: 0.62,
      checkedUpTo: null,
    },
  ],
  backend: {
    url: "https://sales.example.com",
    state: "connected",
    salesforce: null,
    lastContact: at("14:31"),
    waiting: 1,
    delivered: 128,
    rejected: 1,
    problem: null,
  },
  today: { replies: 3, automatic: 1, bounces: 1, stopped: 3 },
  latest: rows,
  trackedSends: 2140,
};

export const inSalesforce: Overview = {
  ...busy,
  backend: {
    ...busy.backend,
    url: "https://sales-example.my.salesforce.com",
    salesforce: { clientId: "3MVG9", user: "rep@sales.example", organisation: "Sales Example" },
  },
};

export const empty: Overview = {
  state: "set_up",
  pausedUntil: null,
  accounts: [],
  backend: {
    ...busy.backend,
    url: null,
    state: "not_connected",
    salesforce: null,
    lastContact: null,
    waiting: 0,
    delivered: 0,
    rejected: 0,
  },
  today: { replies: 0, automatic: 0, bounces: 0, stopped: 0 },
  latest: [],
  trackedSends: 0,
};

export const broken: Overview = {
  ...busy,
  state: "attention",
  accounts: [{ ...account, state: "needs_attention", problem: wrongPassword, checkedUpTo: at("08:03") }],
  backend: {
    ...busy.backend,
    state: "offline",
    waiting: 14,
    problem: {
      code: "backend_down",
      summary: "sales.example.com does not answer.",
      remedy: "Answerback tries again by itself; check your network if it lasts.",
      about: "sales.example.com",
    },
  },
};

const json = JSON.stringify({
  specversion: "1.0",
  id: "5f0c1c3e-6f0b-5b60-9d4a-0d5a9b0c2f11",
  source: "answerback:/accounts/acc-1",
  type: "answerback.stop.v1",
  time: "2026-11-20T14:28:10Z",
  subject: "snd_1",
  datacontenttype: "application/json",
  data: { send_id: "snd_1", campaign_id: "cmp_1", prospect_id: "p_1", reason: "reply" },
});

export function detail(of: ReplyRow): ReplyDetail {
  return {
    row: of,
    messageId: `<r${of.id}@flynnsarcade.com>`,
    sendSubject: "Space Paranoids",
    sentAt: of.sentAt,
    sendId: "snd_1",
    reason: of.kind === "auto_reply" ? { place: "header", value: "Auto-Submitted: auto-replied" } : null,
    evidence: of.rung
      ? [
          { rung: of.rung, value: "<s1@sales.example>" },
          { rung: "references", value: "<s1@sales.example>" },
        ]
      : [],
    bounce: of.kind === "bounce" ? "5.1.1 The email account that you tried to reach does not exist" : null,
    alternativeContact: of.kind === "auto_reply" ? "lora@encom.com" : null,
    partstat: null,
    events: of.delivery
      ? of.actions.map((event) => ({
          event,
          state: of.delivery ?? "waiting",
          reason: of.delivery === "rejected" ? "unknown send" : null,
          json,
        }))
      : [],
  };
}

export const outbox: OutboxRow[] = rows
  .filter((of) => of.delivery)
  .flatMap((of) =>
    of.actions.map((event, index) => ({
      id: `${of.id}-${index}`,
      event,
      sendId: `snd_${of.id}`,
      prospect: of.prospect,
      createdAt: of.receivedAt ?? "",
      attempts: of.delivery === "waiting" ? 3 : 1,
      state: of.delivery ?? "waiting",
      reason: of.delivery === "rejected" ? "unknown send" : null,
      json,
    })),
  );

export const history: History = {
  days: Array.from({ length: 30 }, (_, index) => ({
    day: new Date(Date.UTC(2026, 9, 22 + index)).toISOString().slice(0, 10),
    counts: {
      replies: [0, 2, 3, 1, 4, 0, 0][index % 7] ?? 0,
      automatic: [1, 0, 2, 0, 1, 0, 0][index % 7] ?? 0,
      bounces: index % 9 === 4 ? 1 : 0,
      stopped: 0,
    },
  })),
  medianMinutes: 190,
};

const rule = (name: string, ...choices: string[][]) => ({
  name,
  actions: choices[0] ?? [],
  choices,
  pinned: name === "complaint",
});

export const rules: RulesView = {
  rows: [
    rule("reply", ["stop", "log"], ["log"], []),
    rule("opt_out", ["stop", "suppress", "log"], ["stop", "log"]),
    rule("colleague", ["log"], ["stop", "log"], []),
    rule("calendar_response", ["stop", "log"], ["log"], []),
    rule("auto_reply_dated", ["pause", "log"], ["log"], []),
    rule("auto_reply", ["pause", "log"], ["log"], []),
    rule("bounce_address", ["stop", "suppress", "log"], ["stop", "log"], ["log"]),
    rule("bounce_permanent", ["stop", "log"], ["log"], []),
    rule("bounce_transient", ["log"], []),
    rule("delay", ["log"], []),
    rule("acknowledgement", ["log"], []),
    rule("challenge", ["log"], []),
    rule("receipt", ["log"], []),
    rule("complaint", ["stop", "suppress", "log"], ["stop", "log"]),
  ],
  pauseDays: 5,
  pauseDaysPinned: false,
  logLevel: "metadata",
  maxLogLevel: "snippet",
};

export const preview: RulesPreview = {
  days: 30,
  messages: 41,
  now: { stopped: 22, paused: 9, blocked: 3, logged: 41, asked: 2 },
  then: { stopped: 22, paused: 9, blocked: 3, logged: 41, asked: 2 },
};

export const pairing: PairingView = {
  url: "https://sales.example.com",
  code: "BCDF-GHJK",
  page: "https://sales.example.com/pair",
  state: "waiting",
  problem: null,
};

export const goodMailbox: Check[] = [
  { name: "server_found", about: "imap.sales.example", state: "passed", detail: null, problem: null },
  { name: "secure_connection", about: "", state: "passed", detail: "TLS 1.3", problem: null },
  { name: "signed_in", about: "rep@sales.example", state: "passed", detail: null, problem: null },
  { name: "folders_seen", about: "", state: "passed", detail: "7", problem: null },
];

export const badMailbox: Check[] = [
  goodMailbox[0] as Check,
  goodMailbox[1] as Check,
  { name: "signed_in", about: "rep@sales.example", state: "failed", detail: null, problem: wrongPassword },
  { name: "folders_seen", about: "", state: "skipped", detail: null, problem: null },
];

/** What discovery says of an organisation at Microsoft 365. */
export const atMicrosoft: ServerView = {
  name: "Microsoft 365",
  door: "graph",
  host: "outlook.office365.com",
  port: 993,
  security: "tls",
  username: "rep@contoso.example",
  signIn: "browser",
  page: null,
  provider: "microsoft",
  leavesDomain: false,
};

/** And of one with an Exchange server. */
export const atExchange: ServerView = {
  ...atMicrosoft,
  name: "autodiscover.sales.example",
  door: "ews",
  host: "autodiscover.sales.example",
  port: 443,
  username: "rep@sales.example",
  signIn: "password",
  provider: null,
};

export const imapServer: ServerDraft = {
  door: "imap",
  host: "imap.sales.example",
  port: 993,
  security: "tls",
  username: "",
  caFile: null,
};

export const exchangeServer: ServerDraft = {
  door: "ews",
  server: "https://mail.sales.example/EWS/Exchange.asmx",
  autodiscover: null,
  username: "SALES\\rep",
  caFile: null,
};

export const signingIn: BrowserSignIn = {
  id: "s1",
  url: "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize",
  door: "graph",
  adminPage: adminConsent.client?.page ?? null,
};

export const doctor: Check[] = [
  { name: "store", about: "", state: "passed", detail: null, problem: null },
  { name: "keychain", about: "", state: "passed", detail: null, problem: null },
  ...goodMailbox,
  { name: "backend_reached", about: "sales.example.com", state: "passed", detail: null, problem: null },
  { name: "backend_token", about: "", state: "passed", detail: null, problem: null },
  { name: "clock", about: "", state: "warning", detail: "4 s", problem: null },
];

export const salesforceChecks: Check[] = [
  { name: "salesforce_signed_in", about: "", state: "passed", detail: "Sales Example", problem: null },
  {
    name: "salesforce_members",
    about: "",
    state: "warning",
    detail: null,
    problem: {
      code: "salesforce_members",
      about: "",
      summary:
        "Campaign members can't be changed: the user needs “Edit” on Campaigns, and the user's “Marketing User” feature licence.",
      remedy: "Ask your Salesforce administrator for it.",
      client: null,
    },
  },
  { name: "salesforce_sends", about: "", state: "passed", detail: "200", problem: null },
];

export const salesforceMapping: SalesforceMappingView = {
  mapping: {
    logAs: "auto",
    unknownPeople: "set_aside",
    repliedStatus: "Responded",
    endCadences: true,
    relateOpportunity: true,
    stopReason: "",
    pausedUntil: "",
  },
  fixed: false,
};

export const journal = [
  "2026-11-20T13:31:02Z  INFO Answerback 0.1.0 starts.",
  "2026-11-20T13:31:04Z  WARN imap.sales.example did not accept the password of r…@sales.example.",
];
