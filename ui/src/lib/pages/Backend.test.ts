import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busy as overview, salesforceMapping } from "../../../e2e/data";
import type { BackendView, OrganisationView, SalesforceMappingView } from "../bindings";
import { useLanguage } from "../i18n/index.svelte";
import { windowState } from "../window-state.svelte";
import Backend from "./Backend.svelte";

const URL = "https://acme.my.salesforce.com";
const none: BackendView = {
  ...overview.backend,
  url: null,
  salesforce: null,
  state: "not_connected",
  problem: null,
};
const connected: BackendView = {
  ...overview.backend,
  url: URL,
  salesforce: { clientId: "3MVG9", user: "rep@sales.example", organisation: "Sales Example" },
  state: "connected",
  problem: null,
};

let calls: { command: string; values: unknown }[];
let backend: BackendView;
let organisation: OrganisationView;
let mapping: SalesforceMappingView;
let finished: () => Promise<unknown>;

beforeEach(() => {
  useLanguage("en");
  calls = [];
  backend = none;
  mapping = salesforceMapping;
  organisation = { managed: false, backendUrl: null, salesforce: null, contact: null };
  finished = () => {
    backend = connected;
    return Promise.resolve(connected);
  };
  mockIPC((command, values) => {
    calls.push({ command, values });
    if (command === "overview") return { ...overview, backend };
    if (command === "organisation") return organisation;
    if (command === "pairing") return null;
    if (command === "outbox") return [];
    if (command === "replies") return { total: 0, rows: [] };
    if (command === "history") return { days: [], medianMinutes: null };
    if (command === "begin_salesforce") return { id: "1", url: `${URL}/services/oauth2/authorize` };
    if (command === "finish_salesforce") return finished();
    if (command === "check_salesforce")
      return [
        { name: "salesforce_signed_in", about: URL, state: "passed", detail: null, problem: null },
        {
          name: "salesforce_members",
          about: URL,
          state: "warning",
          detail: null,
          problem: {
            code: "salesforce_members",
            about: URL,
            summary: "Campaign members can't be changed.",
            remedy: "Ask your Salesforce administrator for it.",
            client: null,
          },
        },
      ];
    if (command === "salesforce_mapping") return mapping;
    if (command === "try_salesforce") return ["EmailMessage"];
    return null;
  });
});
afterEach(clearMocks);

async function show() {
  await windowState.refresh();
  render(Backend);
}

const values = (command: string) => calls.find((call) => call.command === command)?.values;

test("Salesforce is connected by an address, a client id and the browser", async () => {
  await show();
  await fireEvent.click(await screen.findByRole("button", { name: "No backend: connect Salesforce" }));
  await fireEvent.click(screen.getByRole("button", { name: "Sign in with the browser" }));
  expect(await screen.findByText("This is needed.")).toBeTruthy();
  expect(values("begin_salesforce")).toBeUndefined();
  await fireEvent.input(screen.getByLabelText("Address of your Salesforce"), {
    target: { value: "acme.my.salesforce.com" },
  });
  await fireEvent.input(screen.getByLabelText("Client id"), { target: { value: " 3MVG9 " } });
  await fireEvent.click(screen.getByRole("button", { name: "Sign in with the browser" }));
  expect(await screen.findByText("rep@sales.example")).toBeTruthy();
  expect(values("begin_salesforce")).toEqual({ draft: { url: URL, clientId: "3MVG9" } });
});

test("what the organisation has set is filled in and can't be changed", async () => {
  organisation = { ...organisation, managed: true, salesforce: { url: URL, clientId: "3MVG9" } };
  finished = () => new Promise(() => undefined);
  await show();
  await fireEvent.click(await screen.findByRole("button", { name: "No backend: connect Salesforce" }));
  expect(await screen.findByText("Your organisation has set both.")).toBeTruthy();
  const address = screen.getByLabelText<HTMLInputElement>("Address of your Salesforce");
  expect([address.value, address.readOnly]).toEqual([URL, true]);
  await fireEvent.click(screen.getByRole("button", { name: "Sign in with the browser" }));
  expect(await screen.findByRole("button", { name: "Open the page again" })).toBeTruthy();
});

test("permissions are checked, and a test entry is written and removed", async () => {
  backend = connected;
  await show();
  expect(await screen.findByText("Sales Example")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Check" }));
  expect(await screen.findByText("Campaign members can't be changed.")).toBeTruthy();
  const address = screen.getByLabelText("Address of a contact for a test entry");
  await fireEvent.input(address, { target: { value: "flynn@flynnsarcade.com" } });
  await fireEvent.click(screen.getByRole("button", { name: "Write a test entry" }));
  expect(await screen.findByText("A test entry was written (EmailMessage) and removed again.")).toBeTruthy();
  expect(values("try_salesforce")).toEqual({ address: "flynn@flynnsarcade.com" });
});

test("what becomes what is changed and checked", async () => {
  backend = connected;
  await show();
  await fireEvent.change(await screen.findByLabelText("An answer is logged as"), {
    target: { value: "task" },
  });
  await fireEvent.click(screen.getByRole("switch", { name: "Take people out of Sales Engagement cadences" }));
  const status = screen.getByLabelText("Campaign status of somebody who answered");
  await fireEvent.input(status, { target: { value: " " } });
  await fireEvent.click(screen.getByRole("button", { name: "Save and check" }));
  expect(await screen.findByText("This is needed.")).toBeTruthy();
  expect(values("set_salesforce_mapping")).toBeUndefined();
  await fireEvent.input(status, { target: { value: "Answered" } });
  await fireEvent.click(screen.getByRole("button", { name: "Save and check" }));
  expect(await screen.findByText("Saved. It holds from the next answer on.")).toBeTruthy();
  expect(await screen.findByText("Campaign members can't be changed.")).toBeTruthy();
  expect(values("set_salesforce_mapping")).toEqual({
    mapping: { ...mapping.mapping, logAs: "task", endCadences: false, repliedStatus: "Answered" },
  });
});

test("what the organisation has laid down is shown and can't be changed", async () => {
  backend = connected;
  mapping = { ...salesforceMapping, fixed: true };
  organisation = { ...organisation, managed: true, contact: "it@sales.example" };
  await show();
  expect(await screen.findByText("Set by your organisation. Ask it@sales.example.")).toBeTruthy();
  expect(screen.getByLabelText("An answer is logged as").closest("fieldset")?.disabled).toBe(true);
  expect(screen.queryByRole("button", { name: "Save and check" })).toBeNull();
});
