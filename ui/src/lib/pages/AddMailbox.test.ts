import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { account, badMailbox, goodMailbox } from "../../../e2e/data";
import { useLanguage } from "../i18n/index.svelte";
import AddMailbox from "./AddMailbox.svelte";

let calls: { command: string; values: unknown }[];
let tested = goodMailbox;

beforeEach(() => {
  useLanguage("en");
  calls = [];
  tested = goodMailbox;
  mockIPC((command, values) => {
    calls.push({ command, values });
    if (command === "test_mailbox") return tested;
    if (command === "provider") return null;
    if (command === "history") return { days: [], medianMinutes: null };
    if (command === "add_mailbox") return account;
    return { total: 0, rows: [] };
  });
});
afterEach(clearMocks);

async function fill() {
  await fireEvent.input(screen.getByLabelText("Your email address"), {
    target: { value: "rep@sales.example" },
  });
  await fireEvent.input(screen.getByLabelText("Password"), { target: { value: "hunter2" } });
  await fireEvent.input(screen.getByLabelText("IMAP server"), { target: { value: "imap.sales.example" } });
}

test("nothing is sent until the form makes sense, and each field says what is wrong with it", async () => {
  render(AddMailbox);
  await fireEvent.click(screen.getByRole("button", { name: "Test connection" }));
  expect(await screen.findByText("This does not look like an email address.")).toBeTruthy();
  expect(screen.getByLabelText("Your email address").getAttribute("aria-invalid")).toBe("true");
  expect(calls).toEqual([]);
});

test("a test shows what works", async () => {
  render(AddMailbox);
  await fill();
  await fireEvent.click(screen.getByRole("button", { name: "Test connection" }));
  expect(await screen.findByText("Everything works. You can add the mailbox.")).toBeTruthy();
  expect(calls[0]).toEqual({
    command: "test_mailbox",
    values: {
      draft: {
        address: "rep@sales.example",
        aliases: [],
        colleagues: [],
        host: "imap.sales.example",
        port: 993,
        security: "tls",
        username: "rep@sales.example",
        password: "hunter2",
        caFile: null,
      },
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
  render(AddMailbox);
  await fill();
  await fireEvent.click(screen.getByRole("button", { name: "Add mailbox" }));
  await expect.poll(() => (screen.getByLabelText("Password") as HTMLInputElement).value).toBe("");
});

test("the usual port follows the choice of security until another is typed", async () => {
  render(AddMailbox);
  const port = screen.getByLabelText("Port") as HTMLInputElement;
  const security = screen.getByLabelText("Security");
  await fireEvent.change(security, { target: { value: "starttls" } });
  expect(port.value).toBe("143");
  await fireEvent.input(port, { target: { value: "1143" } });
  await fireEvent.change(security, { target: { value: "tls" } });
  expect(port.value).toBe("1143");
});
