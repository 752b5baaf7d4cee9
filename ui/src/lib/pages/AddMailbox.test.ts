import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { account, adminConsent, atMicrosoft, badMailbox, goodMailbox, signingIn } from "../../../e2e/data";
import type { ServerView, SignInOutcome } from "../bindings";
import { useLanguage } from "../i18n/index.svelte";
import AddMailbox from "./AddMailbox.svelte";

let calls: { command: string; values: unknown }[];
let tested = goodMailbox;
let found: ServerView[] = [];
let signedIn: () => Promise<SignInOutcome>;

beforeEach(() => {
  useLanguage("en");
  calls = [];
  tested = goodMailbox;
  found = [];
  signedIn = () => Promise.resolve({ outcome: "watched", account, checks: goodMailbox });
  mockIPC((command, values) => {
    calls.push({ command, values });
    if (command === "test_mailbox") return tested;
    if (command === "discover") return found;
    if (command === "begin_sign_in") return { ...signingIn, id: "1" };
    if (command === "finish_sign_in") return signedIn();
    if (command === "history") return { days: [], medianMinutes: null };
    if (command === "add_mailbox") return account;
    return { total: 0, rows: [] };
  });
});
afterEach(clearMocks);

async function fill() {
  await type("rep@sales.example");
  await screen.findByLabelText("Password");
  await fireEvent.input(screen.getByLabelText("Password"), { target: { value: "hunter2" } });
  await fireEvent.input(screen.getByLabelText("IMAP server"), { target: { value: "imap.sales.example" } });
}

test("nothing is sent until the form makes sense, and each field says what is wrong with it", async () => {
  render(AddMailbox);
  await fireEvent.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByText("This does not look like an email address.")).toBeTruthy();
  expect(screen.getByLabelText("Your email address").getAttribute("aria-invalid")).toBe("true");
  expect(calls).toEqual([]);
});

test("a test shows what works", async () => {
  render(AddMailbox);
  await fill();
  await fireEvent.click(screen.getByRole("button", { name: "Test connection" }));
  expect(await screen.findByText("Everything works. You can add the mailbox.")).toBeTruthy();
  expect(calls.find((call) => call.command === "test_mailbox")?.values).toEqual({
    draft: {
      address: "rep@sales.example",
      aliases: [],
      colleagues: [],
      server: {
        door: "imap",
        host: "imap.sales.example",
        port: 993,
        security: "tls",
        username: "",
        caFile: null,
      },
      password: "hunter2",
    },
  });
});

test("a test that fails says what to do", async () => {
  tested = badMailbox;
  render(AddMailbox);
  await fill();
  await fireEvent.click(screen.getByRole("button", { name: "Test connection" }));
  expect(await screen.findByText(/Enter it again, or create an app password/)).toBeTruthy();
  expect(screen.queryByText("Everything works. You can add the mailbox.")).toBeNull();
});

test("the password is gone from the page once the mailbox is added", async () => {
  render(AddMailbox, { onadded: () => undefined });
  await fill();
  await fireEvent.click(screen.getByRole("button", { name: "Add mailbox" }));
  await expect.poll(() => (screen.getByLabelText("Password") as HTMLInputElement).value).toBe("");
});

test("the usual port follows the choice of security until another is typed", async () => {
  render(AddMailbox);
  await fill();
  const port = screen.getByLabelText("Port") as HTMLInputElement;
  const security = screen.getByLabelText("Security");
  await fireEvent.change(security, { target: { value: "starttls" } });
  expect(port.value).toBe("143");
  await fireEvent.input(port, { target: { value: "1143" } });
  await fireEvent.change(security, { target: { value: "tls" } });
  expect(port.value).toBe("1143");
});

const gmail: ServerView = {
  name: "Gmail",
  door: "imap",
  host: "imap.gmail.com",
  port: 993,
  security: "tls",
  username: "rep@gmail.com",
  signIn: "browser",
  page: "https://myaccount.google.com/apppasswords",
  provider: "google",
  leavesDomain: false,
};

async function type(address: string) {
  const field = screen.getByLabelText("Your email address");
  await fireEvent.input(field, { target: { value: address } });
  await fireEvent.blur(field);
}

const value = (label: string) => (screen.getByLabelText(label) as HTMLInputElement).value;

test("a known address fills in the server, and the browser needs no password", async () => {
  found = [gmail];
  render(AddMailbox);
  await type("rep@gmail.com");
  await fireEvent.click(await screen.findByRole("button", { name: "Sign in at Gmail" }));
  expect(value("IMAP server")).toBe("imap.gmail.com");
  await expect.poll(() => calls.some((call) => call.command === "finish_sign_in")).toBe(true);
  const begun = calls.find((call) => call.command === "begin_sign_in");
  expect(begun?.values).toMatchObject({
    provider: "google",
    draft: { address: "rep@gmail.com", password: "" },
  });
});

test("a sign-in that waits can be opened again and called off", async () => {
  found = [gmail];
  signedIn = () => new Promise(() => undefined);
  render(AddMailbox);
  await type("rep@gmail.com");
  await fireEvent.click(await screen.findByRole("button", { name: "Sign in at Gmail" }));
  await fireEvent.click(await screen.findByRole("button", { name: "Open the page again" }));
  await fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(calls.map((call) => call.command)).toEqual(
    expect.arrayContaining(["open_sign_in", "cancel_sign_in"]),
  );
  expect(screen.getByRole("button", { name: "Sign in at Gmail" })).toBeTruthy();
});

test("somebody else’s server is used only when the rep agrees", async () => {
  found = [
    {
      ...gmail,
      name: "imap.hosting.example",
      host: "imap.hosting.example",
      signIn: "password",
      provider: null,
      page: null,
      leavesDomain: true,
    },
  ];
  render(AddMailbox);
  await type("rep@sales.example");
  const agree = await screen.findByRole("button", { name: "Use imap.hosting.example" });
  expect(value("IMAP server")).toBe("");
  await fireEvent.click(agree);
  expect(value("IMAP server")).toBe("imap.hosting.example");
});

test("where the organisation allows only IMAP, the rep is told which is asked for", async () => {
  found = [atMicrosoft];
  const outcomes: SignInOutcome[] = [
    { outcome: "next", signIn: { ...signingIn, id: "2", door: "imap" } },
    { outcome: "watched", account, checks: goodMailbox },
  ];
  let arrive: () => void = () => undefined;
  signedIn = () => {
    const outcome = outcomes.shift();
    return outcome?.outcome === "next"
      ? Promise.resolve(outcome)
      : new Promise((resolve) => (arrive = () => resolve(outcome as SignInOutcome)));
  };
  render(AddMailbox);
  await type("rep@contoso.example");
  await fireEvent.click(await screen.findByRole("button", { name: "Sign in with Microsoft" }));
  expect(await screen.findByText(/The same is now asked for IMAP/)).toBeTruthy();
  arrive();
  expect(await screen.findByText("The mailbox is watched, over IMAP.")).toBeTruthy();
  expect(calls.filter((call) => call.command === "finish_sign_in").map((call) => call.values)).toEqual([
    { id: "1" },
    { id: "2" },
  ]);
});

test("a mailbox that can’t be read though the rep is signed in says what works and what doesn’t", async () => {
  found = [atMicrosoft];
  signedIn = () => Promise.resolve({ outcome: "unreadable", checks: badMailbox });
  render(AddMailbox);
  await type("rep@contoso.example");
  await fireEvent.click(await screen.findByRole("button", { name: "Sign in with Microsoft" }));
  expect(await screen.findByText(/did not accept the password/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Continue" })).toBeNull();
});

test("who waits for an administrator’s approval finds the link while the page is open", async () => {
  found = [atMicrosoft];
  signedIn = () => new Promise(() => undefined);
  render(AddMailbox);
  await type("rep@contoso.example");
  await fireEvent.click(await screen.findByRole("button", { name: "Sign in with Microsoft" }));
  expect((await screen.findByLabelText("Link for the administrator")).textContent).toBe(
    adminConsent.client?.page,
  );
});
