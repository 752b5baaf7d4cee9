import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import type { ReplyRow } from "../src/lib/bindings";
import * as data from "./data";
import { open, type Scene } from "./open";

const pages: Record<string, [path: string, scene: Scene]> = {
  overview: ["overview", {}],
  "overview, empty": ["overview", { overview: data.empty, rows: [] }],
  "overview, broken": ["overview", { overview: data.broken }],
  replies: ["replies", {}],
  "replies, empty": ["replies", { rows: [] }],
  "a reply": ["replies/7", {}],
  "a question": ["replies/5", {}],
  mailboxes: ["mailboxes", {}],
  "mailboxes, broken": ["mailboxes", { overview: data.broken }],
  "add a mailbox": ["mailboxes/add", {}],
  backend: ["backend", {}],
  "backend, none": ["backend", { overview: data.empty }],
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
  await page.getByLabel("Password", { exact: true }).fill("hunter2");
  await page.getByLabel("IMAP server").fill("imap.sales.example");
  await page.getByRole("button", { name: "Test connection" }).click();
  await expect(page.getByText("TLS 1.3")).toBeVisible();
  await page.getByRole("button", { name: "Add mailbox" }).click();
  await expect(page.getByRole("heading", { name: "Mailboxes" })).toBeVisible();
  expect(await page.content()).not.toContain("hunter2");
});

test("a known provider fills in its server and says what it wants", async ({ page }) => {
  const provider = {
    name: "Gmail",
    host: "imap.gmail.com",
    port: 993,
    security: "tls",
    signIn: "app_password",
    page: "https://myaccount.google.com/apppasswords",
  };
  await open(page, "mailboxes/add", { overview: data.empty, answers: { provider } });
  await page.getByLabel("Your email address").fill("rep@gmail.com");
  await page.getByLabel("Password", { exact: true }).focus();
  await expect(page.getByLabel("IMAP server")).toHaveValue("imap.gmail.com");
  await page.getByRole("button", { name: "Create one at Gmail" }).click();
  expect(await calls(page, "open_provider_page")).toEqual([{ address: "rep@gmail.com" }]);
});

test("an agent that could not start says why and is started again", async ({ page }) => {
  const problem = { code: "disk_full", summary: "The disk is full.", remedy: "Free some space.", about: "/" };
  await open(page, "overview", { answers: { overview: { fails: problem } } });
  await expect(page.getByText("The disk is full.")).toBeVisible();
  await page.getByRole("button", { name: "Try again" }).click();
  expect(await calls(page, "retry_start")).toHaveLength(1);
});

test("the first steps stay until they are done, and say so", async ({ page }) => {
  await open(page, "overview", { overview: data.empty, rows: [], startAtLogin: false });
  await expect(page.getByRole("heading", { name: /Connect your mailbox.*still to do/ })).toBeVisible();
  const connected = { ...data.busy, today: data.empty.today, latest: [] };
  await change(page, { overview: connected }, { what: "accounts" });
  await expect(page.getByRole("heading", { name: /Connect the sales backend.*done/ })).toBeVisible();
  await page.getByRole("button", { name: "Switch on" }).click();
  await expect(page.getByText("You’re set.")).toBeVisible();
  await page.getByRole("button", { name: "Got it" }).click();
  await expect(page.getByText("Three steps, and it runs")).toHaveCount(0);
});

test("a rule is changed by choosing, and what the organisation has set can't be", async ({ page }) => {
  await open(page, "rules");
  await page.getByLabel("Somebody answers", { exact: true }).selectOption("Only log it");
  await expect(page.getByText("Saved")).toBeVisible();
  expect(await calls(page, "set_rule")).toEqual([{ name: "reply", actions: ["log"] }]);
  const complaint = page.getByRole("listitem").filter({ hasText: "reports your email as unwanted" });
  await expect(complaint.getByText("Set by your organisation")).toBeVisible();
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
