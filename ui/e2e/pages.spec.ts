import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import type { ReplyRow } from "../src/lib/bindings";
import * as data from "./data";
import { open, type Scene } from "./open";

const pages: Record<string, [path: string, scene: Scene]> = {
  overview: ["overview", {}],
  welcome: ["start", { overview: data.empty, rows: [] }],
  "first mailbox": ["start/mailbox", { overview: data.empty, rows: [] }],
  "first pairing": ["start/backend", { overview: { ...data.empty, accounts: [data.account] } }],
  "first pairing, code": [
    "start/backend",
    { overview: { ...data.empty, accounts: [data.account] }, answers: { pairing: data.pairing } },
  ],
  "all set": ["start/done", { startAtLogin: false }],
  "overview, empty": ["overview", { overview: data.empty, rows: [], settings: { welcomed: true } }],
  "overview, broken": ["overview", { overview: data.broken }],
  replies: ["replies", {}],
  "replies, empty": ["replies", { rows: [] }],
  "a reply": ["replies/7", {}],
  "a question": ["replies/5", {}],
  "an absence": ["replies/4", {}],
  mailboxes: ["mailboxes", {}],
  "mailboxes, broken": ["mailboxes", { overview: data.broken }],
  "mailboxes, at Microsoft and on Exchange": [
    "mailboxes",
    {
      overview: {
        ...data.busy,
        state: "attention",
        accounts: [
          { ...data.microsoft, state: "needs_attention", problem: data.adminConsent },
          data.exchange,
        ],
      },
    },
  ],
  "add a mailbox": ["mailboxes/add", {}],
  "change a mailbox": ["mailboxes/change/acc-1", { answers: { mailbox_server: data.imapServer } }],
  "change a mailbox at Microsoft": [
    "mailboxes/change/acc-3",
    {
      overview: { ...data.busy, accounts: [data.microsoft] },
      answers: { mailbox_server: { door: "graph" } },
    },
  ],
  "change a mailbox on Exchange": [
    "mailboxes/change/acc-4",
    {
      overview: { ...data.busy, accounts: [data.exchange] },
      answers: { mailbox_server: data.exchangeServer },
    },
  ],
  backend: ["backend", {}],
  "backend, code": ["backend", { overview: data.empty, answers: { pairing: data.pairing } }],
  "backend, none": ["backend", { overview: data.empty }],
  "backend, Salesforce": [
    "backend",
    { overview: data.inSalesforce, answers: { check_salesforce: data.salesforceChecks } },
  ],
  rules: ["rules", {}],
  privacy: ["privacy", {}],
  "privacy, empty": ["privacy", { overview: data.empty }],
  diagnostics: ["diagnostics", {}],
  settings: ["settings", {}],
};

const calls = (page: Page, command: string) =>
  page.evaluate(
    (name) =>
      (window as never as { calls: { command: string; values: never }[] }).calls
        .filter((call) => call.command === name)
        .map((call) => call.values),
    command,
  );
const change = (page: Page, answers: Record<string, unknown>, what: unknown) =>
  page.evaluate(
    ([given, payload]) =>
      (window as never as { change: (answers: unknown, what: unknown) => void }).change(given, payload),
    [answers, what] as const,
  );

for (const theme of ["light", "dark"] as const) {
  for (const [name, [path, scene]] of Object.entries(pages)) {
    test(`${name} is accessible, ${theme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await open(page, path, scene);
      await expect(page.locator("main").getByRole("heading").first()).toBeVisible();
      await page.waitForTimeout(250);
      const found = await new AxeBuilder({ page }).analyze();
      expect(
        found.violations.map((violation) => [violation.id, violation.nodes.map((node) => node.html)]),
      ).toEqual([]);
    });
  }
}

for (const language of ["en", "es"]) {
  test(`nothing is wider than a small window, ${language}`, async ({ page }) => {
    await page.setViewportSize({ width: 720, height: 520 });
    for (const [name, [path, scene]] of Object.entries(pages)) {
      // Another hash alone would keep the old page and its scene.
      await page.goto("about:blank");
      await open(page, path, { ...scene, language });
      await expect(page.locator("main").getByRole("heading").first()).toBeVisible();
      const excess = await page.evaluate(() => {
        const main = document.querySelector("main");
        return main ? main.scrollWidth - main.clientWidth : 0;
      });
      expect(excess, name).toBe(0);
    }
  });
}

test("a new verdict slides into the overview and is said aloud", async ({ page }) => {
  await open(page, "overview", { rows: data.rows.slice(2) });
  await expect(page.locator(".latest li")).toHaveCount(5);
  await change(page, { overview: { ...data.busy, latest: data.rows.slice(1) } }, { what: "verdict", id: 6 });
  await expect(page.locator(".latest li").first()).toContainText("Alan Bradley, who had a copy, answered.");
  await expect(page.locator("[aria-live]", { hasText: "New: Alan Bradley" })).toHaveCount(1);
  await change(
    page,
    {
      overview: {
        ...data.busy,
        latest: data.rows.slice(1).map((row) => ({ ...row, delivery: "delivered" })),
      },
    },
    { what: "backend" },
  );
  await expect(page.locator(".latest li").first()).toContainText("Confirmed by the backend");
});

test("search and filter narrow the list", async ({ page }) => {
  await open(page, "replies");
  await expect(page.getByText("7 messages")).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("dillinger");
  await expect(page.getByText("1 message", { exact: true })).toBeVisible();
  await page.getByRole("searchbox").fill("");
  await page.getByRole("button", { name: /Questions/ }).click();
  await expect(page.getByText("Perhaps an answer from Lora Baines.")).toBeVisible();
  await expect(page.getByText("1 message", { exact: true })).toBeVisible();
});

test("the list is walked with j and k, and a question answered with y", async ({ page }) => {
  await open(page, "replies");
  await expect(page.getByText("7 messages")).toBeVisible();
  for (let step = 0; step < 3; step += 1) {
    await page.keyboard.press("j");
    await expect(page.getByTestId("headline")).toBeVisible();
  }
  await expect(page.getByTestId("headline")).toHaveText("Perhaps an answer from Lora Baines.");
  await page.keyboard.press("y");
  await expect(page.getByTestId("headline")).toHaveText("Lora Baines answered.");
  expect(await calls(page, "answer_question")).toEqual([{ id: 5, isAnswer: true }]);
});

test("taking a verdict back asks first", async ({ page }) => {
  await open(page, "replies/7");
  await page.getByRole("button", { name: "Not an answer" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  expect(await calls(page, "retract")).toEqual([]);
  await page.getByRole("button", { name: "Not an answer" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take it back" }).click();
  await expect(page.getByText("You took this back.")).toBeVisible();
  expect(await calls(page, "retract")).toEqual([{ id: 7 }]);
});

test("the exact JSON that was sent can be read", async ({ page }) => {
  await open(page, "replies/7");
  await page.getByText("Show the exact JSON").first().click();
  await expect(page.locator("pre").first()).toContainText('"type": "answerback.stop.v1"');
});

test("a hundred thousand messages are drawn a screenful at a time", async ({ page }) => {
  const rows: ReplyRow[] = Array.from({ length: 100_000 }, (_, index) => ({
    ...data.row,
    id: 100_000 - index,
    fromName: `Person ${index}`,
  }));
  await open(page, "replies", { rows });
  await expect(page.getByText("100,000 messages")).toBeVisible();
  await page.locator(".scroller").evaluate((list) => (list.scrollTop = list.scrollHeight));
  await expect(page.getByText("Person 99999 answered")).toBeVisible();
  expect(await page.locator(".scroller li").count()).toBeLessThan(40);
});

test("a hostile message is shown as the text that it is", async ({ page }) => {
  const hostile: ReplyRow = {
    ...data.row,
    id: 9,
    fromName: "<img src=x onerror=window.hacked=1>‮gnp.exe",
    subject: "<script>window.hacked=1</script>".repeat(32_000),
    campaign: "</span><b>bold</b>",
  };
  await open(page, "replies/9", { rows: [hostile, ...data.rows] });
  await expect(page.getByTestId("headline")).toContainText("<img src=x onerror=window.hacked=1>");
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  expect(await page.locator("main img, main b, main script").count()).toBe(0);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(excess).toBeLessThanOrEqual(0);
});

test("a mailbox is tested and added, and its password does not stay in the page", async ({ page }) => {
  await open(page, "mailboxes/add", { overview: data.empty });
  await page.getByLabel("Your email address").fill("rep@sales.example");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Password", { exact: true }).fill("hunter2");
  await page.getByLabel("IMAP server").fill("imap.sales.example");
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(page.getByText("TLS 1.3")).toBeVisible();
  await page.getByRole("button", { name: "Add mailbox" }).click();
  await expect(page.getByRole("heading", { name: "Mailboxes" })).toBeVisible();
  expect(await page.content()).not.toContain("hunter2");
});

test("a known provider fills in its server and says what it wants", async ({ page }) => {
  const server = {
    name: "Gmail",
    door: "imap",
    host: "imap.gmail.com",
    port: 993,
    security: "tls",
    username: "rep@gmail.com",
    signIn: "app_password",
    page: "https://myaccount.google.com/apppasswords",
    provider: null,
    leavesDomain: false,
  };
  await open(page, "mailboxes/add", { overview: data.empty, answers: { discover: [server] } });
  await page.getByLabel("Your email address").fill("rep@gmail.com");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("IMAP server")).toHaveValue("imap.gmail.com");
  await page.getByRole("button", { name: "Create one at Gmail" }).click();
  expect(await calls(page, "open_provider_page")).toEqual([{ server: "imap.gmail.com" }]);
});

test("a mailbox at Microsoft is signed in to in the browser, and what works is seen before it goes on", async ({
  page,
}) => {
  const watched = { outcome: "watched", account: data.microsoft, checks: data.goodMailbox };
  await open(page, "start/mailbox", {
    overview: data.empty,
    rows: [],
    answers: { discover: [data.atMicrosoft], finish_sign_in: watched },
  });
  await page.getByLabel("Your email address").fill("rep@contoso.example");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("radio", { name: /Microsoft 365/ })).toBeChecked();
  await expect(page.getByLabel("Password", { exact: true })).toHaveCount(0);
  await page.getByRole("button", { name: "Sign in with Microsoft" }).click();
  await expect(page.getByText("The mailbox is watched, through Microsoft Graph.")).toBeVisible();
  await expect(page.getByText("Folders seen")).toBeVisible();
  await change(page, { overview: { ...data.empty, accounts: [data.microsoft] } }, { what: "accounts" });
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Connect your sales system" })).toBeVisible();
  const draft = { address: "rep@contoso.example", server: { door: "graph" }, password: "" };
  expect(await calls(page, "begin_sign_in")).toMatchObject([
    { provider: "microsoft", replaces: null, draft },
  ]);
});

test("who needs an administrator gets the link to hand on, accessible in both themes", async ({ page }) => {
  await open(page, "mailboxes/add", {
    answers: { discover: [data.atMicrosoft], finish_sign_in: { fails: data.adminConsent } },
  });
  await page.getByLabel("Your email address").fill("rep@contoso.example");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign in with Microsoft" }).click();
  await expect(page.getByText("Ask your administrator to open this page")).toBeVisible();
  await expect(page.getByLabel("Link for the administrator")).toHaveText(
    data.adminConsent.client?.page ?? "",
  );
  await page.context().grantPermissions(["clipboard-write"]);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.waitForTimeout(250);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
});

test("a client id is asked for where nobody has named one", async ({ page }) => {
  const unknown = { ...data.atMicrosoft, signIn: "no_client_id", provider: null };
  await open(page, "mailboxes/add", {
    answers: { discover: [unknown], finish_sign_in: { fails: data.adminConsent } },
  });
  await page.getByLabel("Your email address").fill("rep@contoso.example");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use it and sign in" }).click();
  await expect(page.getByText("This is needed.")).toBeVisible();
  await page.getByText("How an administrator registers it").click();
  await page.waitForTimeout(250);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByLabel("Client id").fill("4711");
  await page.getByRole("button", { name: "Use it and sign in" }).click();
  await expect(page.getByText("Ask your administrator to open this page")).toBeVisible();
  expect(await calls(page, "set_client_id")).toEqual([
    { provider: "microsoft", clientId: "4711", tenant: "" },
  ]);
});

test("an Exchange server out of the mail domain gets no password before the rep agrees", async ({ page }) => {
  const url = "https://mail.hosting.example/EWS/Exchange.asmx";
  await open(page, "mailboxes/add", {
    answers: {
      discover: [data.atExchange],
      find_exchange: { found: "server", url, host: "mail.hosting.example", leavesDomain: true },
    },
  });
  await page.getByLabel("Your email address").fill("rep@sales.example");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("radio", { name: /Exchange server/ })).toBeChecked();
  await page.getByLabel(/User name/).fill("SALES\\rep");
  await page.getByLabel("Password", { exact: true }).fill("hunter2");
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(page.getByText(/on mail.hosting.example, which belongs to somebody else/)).toBeVisible();
  expect(await calls(page, "test_mailbox")).toEqual([]);
  await page.getByRole("button", { name: "Use mail.hosting.example" }).click();
  await expect(page.getByText("Everything works. You can add the mailbox.")).toBeVisible();
  await expect(page.getByLabel(/^Exchange server/).last()).toHaveValue(url);
  await page.getByRole("button", { name: "Add mailbox" }).click();
  await expect(page.getByRole("heading", { name: "Mailboxes" })).toBeVisible();
  const server = { door: "ews", server: url, autodiscover: null, username: "SALES\\rep", caFile: null };
  expect(await calls(page, "add_mailbox")).toMatchObject([{ draft: { server } }]);
  expect(await page.content()).not.toContain("hunter2");
});

test("how a mailbox is reached is changed, and the rest of it stays", async ({ page }) => {
  await open(page, "mailboxes", { answers: { mailbox_server: data.imapServer } });
  await page.getByRole("button", { name: "Server and sign-in" }).first().click();
  await expect(page.getByLabel("IMAP server")).toHaveValue("imap.sales.example");
  await expect(page.getByLabel("Your email address")).toHaveCount(0);
  await page.getByRole("radio", { name: /Exchange server/ }).check();
  await page.getByLabel("Password", { exact: true }).fill("hunter2");
  await page
    .getByLabel(/^Exchange server/)
    .last()
    .fill("mail.sales.example");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Mailboxes" })).toBeVisible();
  const server = { door: "ews", server: "mail.sales.example" };
  expect(await calls(page, "change_server")).toMatchObject([{ accountId: "acc-1", draft: { server } }]);
});

test("an agent that could not start says why and is started again", async ({ page }) => {
  const problem = { code: "disk_full", summary: "The disk is full.", remedy: "Free some space.", about: "/" };
  await open(page, "overview", { answers: { overview: { fails: problem } } });
  await expect(page.getByText("The disk is full.")).toBeVisible();
  await page.getByRole("button", { name: "Try again" }).click();
  expect(await calls(page, "retry_start")).toHaveLength(1);
});

test("the first start goes from nothing to everything, and can be left and resumed", async ({ page }) => {
  await open(page, "overview", { overview: data.empty, rows: [], startAtLogin: false });
  await expect(page.getByRole("heading", { name: "Know at once when somebody answers" })).toBeVisible();
  await page.getByRole("button", { name: "Set up later" }).click();
  await expect(page.getByRole("heading", { name: /Connect your mailbox.*still to do/ })).toBeVisible();
  await page.getByRole("button", { name: "Add a mailbox" }).click();
  await expect(page.getByLabel("Your email address")).toBeVisible();

  const first = { ...data.empty, accounts: [data.account] };
  await change(page, { overview: first }, { what: "accounts" });
  await expect(page.getByRole("heading", { name: "Connect your sales system" })).toBeFocused();
  await page.getByLabel("Address of the backend").fill("sales.example.com");
  await page.getByRole("button", { name: "Get a code" }).click();
  expect(await calls(page, "begin_pairing")).toEqual([{ url: "https://sales.example.com" }]);
  await expect(page.getByTestId("code")).toHaveText("BCDF-GHJK");
  await page.getByRole("button", { name: "Open the page" }).click();
  expect(await calls(page, "open_pairing_page")).toHaveLength(1);

  await change(page, { overview: data.busy, pairing: null }, { what: "backend" });
  await expect(page.getByRole("heading", { name: "You’re set" })).toBeVisible();
  await page.getByRole("switch", { name: "Start at login" }).click();
  expect(await calls(page, "set_start_at_login")).toEqual([{ enabled: true }]);
  await page.getByRole("button", { name: "Show me the overview" }).click();
  await expect(page.getByTestId("sentence")).toContainText("Watching 2 mailboxes.");
  const saved = await calls(page, "save_preferences");
  expect(saved).toMatchObject([{ preferences: { welcomed: true } }]);
});

test("a pairing that was refused says so, and another can be begun", async ({ page }) => {
  const refused = { ...data.pairing, state: "denied" };
  await open(page, "backend", { overview: data.empty, answers: { pairing: refused } });
  await expect(page.getByText("It was not allowed.")).toBeVisible();
  await page.getByLabel("Address of the backend").fill("ftp://sales.example.com");
  await page.getByRole("button", { name: "Get a code" }).click();
  expect(await calls(page, "begin_pairing")).toEqual([]);
  await page.getByRole("button", { name: "Use a token instead" }).click();
  await expect(page.getByLabel("Token for this computer")).toBeVisible();
});

test("a link into the app fills in the backend and connects nothing", async ({ page }) => {
  const link = { to: "pair", code: null, url: "https://other.example" };
  await open(page, "overview", { answers: { take_link: link } });
  await expect(page.getByLabel("Address of the backend")).toHaveValue("https://other.example");
  expect(await calls(page, "begin_pairing")).toEqual([]);
});

test("a newer version is offered, and one that can't be installed says why", async ({ page }) => {
  await open(page, "settings", {
    answers: {
      newer_version: { version: "0.2.0", notes: "Faster <b>first</b> reading" },
      install_update: { fails: { code: "update_failed", summary: "No signature.", remedy: "", about: "" } },
    },
  });
  await expect(page.getByRole("link", { name: "Version 0.2.0 is ready" })).toBeVisible();
  await expect(page.getByText("Faster <b>first</b> reading")).toBeVisible();
  await page.getByRole("button", { name: "Install and restart" }).click();
  await expect(page.getByText("No signature.")).toBeVisible();
});

test("a click on a notification opens the verdict", async ({ page }) => {
  await open(page, "overview", { answers: { take_link: { to: "reply", id: 7 } } });
  await expect(page.getByTestId("headline")).toContainText("Kevin Flynn");
});

test("a sign-in that is no longer valid is renewed in the browser, from the overview too", async ({
  page,
}) => {
  const problem = { code: "sign_in_again", summary: "", remedy: "", about: "rep@sales.example" };
  const account = {
    ...data.account,
    provider: "google",
    takesPassword: false,
    state: "needs_attention" as const,
    problem,
  };
  await open(page, "overview", {
    overview: { ...data.busy, state: "attention", accounts: [account] },
    answers: {
      begin_sign_in_again: { id: "s1", url: "https://accounts.example" },
      finish_sign_in: { fails: { code: "client_blocked", summary: "Blocked.", remedy: "Ask.", about: "" } },
    },
  });
  await expect(page.getByTestId("sentence")).toHaveText("The mailbox rep@sales.example needs you.");
  await page.getByRole("button", { name: "Sign in again" }).click();
  expect(await calls(page, "begin_sign_in_again")).toEqual([{ accountId: data.account.id }]);
  expect(await calls(page, "finish_sign_in")).toEqual([{ id: "s1" }]);
  await expect(page.getByText("Blocked.")).toBeVisible();
  await page.getByRole("link", { name: "Mailboxes" }).click();
  await expect(page.getByText("in the browser, at Google")).toBeVisible();
  await expect(page.getByRole("button", { name: "New password" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Sign in again" })).toHaveCount(1);
});

test("a rule is changed by choosing, and what the organisation has set can't be", async ({ page }) => {
  await open(page, "rules");
  await page.getByLabel("Somebody answers", { exact: true }).selectOption("Only log it");
  expect(await calls(page, "set_rule")).toEqual([]);
  const tried = { choices: [{ name: "reply", actions: ["log"] }], pauseDays: null };
  expect(await calls(page, "preview_rules")).toContainEqual(tried);
  await expect(page.getByText("would have given")).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  expect(await calls(page, "set_rule")).toEqual([{ name: "reply", actions: ["log"] }]);
  const complaint = page.getByRole("listitem").filter({ hasText: "reports your email as unwanted" });
  await expect(complaint.getByText("Ask it@sales.example.")).toBeVisible();
  await expect(complaint.getByRole("combobox")).toHaveCount(0);
});

test("more can't be sent than the organisation allows", async ({ page }) => {
  await open(page, "privacy");
  await expect(page.getByRole("radio", { name: /Also the whole answer/ })).toBeDisabled();
  await page.getByRole("radio", { name: /first lines/ }).check();
  expect(await calls(page, "set_log_level")).toEqual([{ level: "snippet" }]);
});

test("language and appearance change at once", async ({ page }) => {
  await open(page, "settings");
  await page.getByLabel("Language").selectOption("es");
  await expect(page.getByRole("heading", { name: "Ajustes" })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("es");
  await page.getByLabel("Aspecto").selectOption("dark");
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
});

test("other rules are tried out, and what they change is seen before they are saved", async ({ page }) => {
  const tried = { ...data.preview, then: { ...data.preview.then, stopped: 4 } };
  await open(page, "rules");
  await expect(page.getByText("have given")).toBeVisible();
  await change(page, { preview_rules: tried }, { what: "accounts" });
  await page.getByLabel("Somebody answers", { exact: true }).selectOption("Do nothing");
  await expect(page.getByText("instead of 22")).toBeVisible();
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByLabel("Somebody answers", { exact: true })).toHaveValue("stop+log");
  expect(await calls(page, "set_rule")).toEqual([]);
});

test("the text of an answer is fetched when it is asked for, and shown as text", async ({ page }) => {
  const text = "<b>bold</b> <script>window.hacked=1</script>\u202egnp.exe";
  await open(page, "replies/7", { answers: { message_text: { text, cut: false } } });
  await expect(page.getByTestId("headline")).toBeVisible();
  expect(await calls(page, "message_text")).toEqual([]);
  await page.getByRole("button", { name: "Show the text" }).click();
  await expect(page.getByTestId("text")).toContainText("<b>bold</b>");
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  expect(await page.locator("main b, main script").count()).toBe(0);
});

test("what was judged to be something else can be called an answer", async ({ page }) => {
  await open(page, "replies/4");
  await page.getByRole("button", { name: "It was an answer" }).click();
  expect(await calls(page, "affirm")).toEqual([{ id: 4 }]);
});

test("what told the kind of a message stands with the evidence", async ({ page }) => {
  await open(page, "replies/4");
  await expect(page.getByTestId("reason")).toContainText("A header field says what kind of message it is");
  await expect(page.getByTestId("reason")).toContainText("Auto-Submitted: auto-replied");
  await open(page, "replies/7");
  await expect(page.getByTestId("because")).toBeVisible();
  await expect(page.getByTestId("reason")).toHaveCount(0);
});

test("the questions are worked off one after the other without the mouse", async ({ page }) => {
  const questions = [12, 11, 10].map((id) => ({
    ...(data.rows[2] as ReplyRow),
    id,
    fromName: `Person ${id}`,
  }));
  await open(page, "replies", { rows: questions });
  await page.getByRole("button", { name: /Questions/ }).click();
  await expect(page.getByText("Keys: J and K")).toBeVisible();
  await page.keyboard.press("j");
  await expect(page.getByTestId("headline")).toHaveText("Perhaps an answer from Person 12.");
  await page.keyboard.press("j");
  await expect(page.getByTestId("headline")).toHaveText("Perhaps an answer from Person 11.");
  await page.keyboard.press("n");
  await expect.poll(() => calls(page, "answer_question")).toEqual([{ id: 11, isAnswer: false }]);
});

test("a refused event says why and is sent again", async ({ page }) => {
  await open(page, "backend");
  await page.getByText("Dumont Guardian").first().click();
  await expect(page.getByText("The backend says: unknown send").first()).toBeVisible();
  await page.getByRole("button", { name: "Send again" }).first().click();
  expect(await calls(page, "send_again")).toEqual([{ eventId: "3-0" }]);
});

test("a mailbox’s aliases and folders are changed", async ({ page }) => {
  await open(page, "mailboxes");
  await page.getByRole("button", { name: "Change", exact: true }).first().click();
  await page.getByLabel(/Your other addresses/).fill("a@sales.example, b@sales.example");
  await expect(page.getByRole("checkbox", { name: /INBOX/ })).toBeDisabled();
  await page.getByRole("checkbox", { name: /Newsletters/ }).check();
  await page.getByRole("checkbox", { name: /Junk/ }).uncheck();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const details = {
    aliases: ["a@sales.example", "b@sales.example"],
    colleagues: ["sales.example"],
    excludeFolders: ["Junk"],
  };
  expect(await calls(page, "change_mailbox")).toEqual([{ accountId: "acc-1", details }]);
});

test("settings are taken along, and what a file brings is seen before it is taken in", async ({ page }) => {
  await open(page, "mailboxes");
  await page.getByRole("button", { name: "Save to a file" }).click();
  await expect(page.getByText("answerback-settings.toml")).toBeVisible();
  const file = { name: "s.toml", mimeType: "text/plain", buffer: Buffer.from("log_level = 'full'") };
  await page.locator("input[type=file]").setInputFiles(file);
  await expect(page.getByRole("dialog").getByText("flynn@encom.com")).toBeVisible();
  await page.getByRole("dialog").getByRole("button", { name: "Take it in" }).click();
  expect(await calls(page, "import_config")).toEqual([{ text: "log_level = 'full'" }]);
});

test("the report is read before it is saved, and the log can be searched", async ({ page }) => {
  await open(page, "diagnostics");
  await expect(page.getByRole("button", { name: "Save it" })).toHaveCount(0);
  await page.getByRole("button", { name: "Make a report" }).click();
  await expect(page.getByTestId("report")).toContainText("2140 tracked sends");
  await page.getByRole("button", { name: "Save it" }).click();
  await expect(page.getByText("answerback-report.txt")).toBeVisible();
  await page.getByRole("button", { name: "Show the log" }).click();
  await page.getByLabel("Search the log").fill("WARN");
  await expect(page.locator("pre", { hasText: "did not accept" })).not.toContainText("starts");
});

test("watching is paused for a while from the sidebar", async ({ page }) => {
  await open(page, "overview");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "For 1 hour" })).toHaveCount(0);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "For 1 hour" }).click();
  expect(await calls(page, "pause")).toEqual([{ howLong: "hour" }]);
  const paused = { ...data.busy, state: "paused", pausedUntil: "2026-11-20T15:32:00Z" };
  await change(page, { overview: paused }, { what: "accounts" });
  await expect(page.getByTestId("sentence")).toContainText("paused until today at 16:32");
  await page.getByRole("button", { name: "Resume" }).click();
  expect(await calls(page, "resume")).toHaveLength(1);
});

/** Every text a third longer and accented, as a language with longer words would have it, inside brackets. */
function lengthen() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const longer = (text: string) =>
    `[${text.replace(/[aeiou]/g, (letter) => ({ a: "àà", e: "ëë", i: "ïï", o: "öö", u: "üü" })[letter] ?? letter)}]`;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const tag = node.parentElement?.tagName;
    if (node.textContent?.trim() && tag !== "SCRIPT" && tag !== "STYLE")
      node.textContent = longer(node.textContent);
  }
}

/** What sticks out of the page or of its own box, and what is cut off without an ellipsis. */
function sticksOut(): string[] {
  const main = document.querySelector("main");
  const found = main && main.scrollWidth > main.clientWidth ? ["the page"] : [];
  for (const box of document.querySelectorAll<HTMLElement>("button, h1, h2, h3, dt, dd, label, .badge, th")) {
    const style = getComputedStyle(box);
    const cut = box.scrollWidth > box.clientWidth + 1 && style.display !== "inline";
    if (cut && style.textOverflow !== "ellipsis" && box.clientWidth > 1)
      found.push(box.outerHTML.slice(0, 160));
  }
  return found;
}

for (const direction of ["ltr", "rtl"]) {
  test(`longer words fit, ${direction}`, async ({ page }) => {
    await page.setViewportSize({ width: 900, height: 640 });
    for (const [name, [path, scene]] of Object.entries(pages)) {
      await page.goto("about:blank");
      await open(page, path, scene);
      await expect(page.locator("main").getByRole("heading").first()).toBeVisible();
      await page.waitForTimeout(100);
      await page.evaluate((dir) => (document.documentElement.dir = dir), direction);
      await page.evaluate(lengthen);
      expect(await page.evaluate(sticksOut), name).toEqual([]);
    }
  });
}

test("high contrast and reduced motion are followed", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await open(page, "overview");
  const current = page.locator("nav a[aria-current]");
  await expect(current).toHaveCSS("outline-style", "solid");
  const moving = await page.evaluate(() => getComputedStyle(document.body).transitionDuration);
  expect(Number.parseFloat(moving)).toBeLessThan(0.01);
});
