// @vitest-environment node
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import { describe, expect, test } from "vitest";

type Json = { [key: string]: unknown };

const root = new URL("../", import.meta.url);
const read = (path: string) => JSON.parse(readFileSync(new URL(path, root), "utf8")) as Json;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 7396, by which Tauri lays one configuration over another. */
function merge(below: unknown, above: unknown): unknown {
  if (!isObject(above)) return above;
  const beside = isObject(below) ? below : {};
  const laid = Object.entries(above).map(([key, value]) => [key, merge(beside[key], value)] as const);
  return Object.fromEntries(
    Object.entries({ ...beside, ...Object.fromEntries(laid) }).filter(([, value]) => value !== null),
  );
}

const base = read("tauri.conf.json");
const release = merge(base, read("tauri.release.conf.json")) as Json;
const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(
  read("ui/node_modules/@tauri-apps/cli/config.schema.json"),
);

describe.each([
  ["the usual configuration", base],
  ["the release's configuration", release],
])("%s", (_name, config) => {
  test("is one that Tauri takes, the installers of every platform included", () => {
    validate(config);
    expect(validate.errors ?? []).toEqual([]);
    const bundle = config.bundle as Json;
    expect(bundle.targets).toEqual(["deb", "rpm", "nsis", "msi", "dmg"]);
    const nsis = (bundle.windows as Json).nsis as Json;
    for (const file of [...(bundle.icon as string[]), nsis.installerHooks as string])
      expect(readFileSync(new URL(file, root)).length).toBeGreaterThan(0);
  });

  test("has the installers register the app's links", () => {
    expect(config.plugins).toMatchObject({ "deep-link": { desktop: { schemes: ["answerback"] } } });
  });
});

describe("a release", () => {
  const app = release.app as Json;
  const security = app.security as Json;
  const csp = security.csp as Record<string, string>;

  test("loads and runs only what is inside the program", () => {
    expect(csp["default-src"]).toBe("'none'");
    expect(csp["script-src"]).toBe("'self'");
    expect(csp["style-src"]).toBe("'self'");
    expect(csp["connect-src"]).toBe("ipc: http://ipc.localhost");
    for (const policy of ["base-uri", "form-action", "frame-ancestors"]) expect(csp[policy]).toBe("'none'");
    expect(Object.values(csp).join(" ")).not.toMatch(/unsafe|https:|\*|wss?:/);
    expect(security.freezePrototype).toBe(true);
    expect(security.dangerousDisableAssetCspModification).toBeUndefined();
    expect(security.assetProtocol).toBeUndefined();
    expect(app.withGlobalTauri).toBe(false);
  });

  test("knows no development server", () => {
    expect(security.devCsp).toBeUndefined();
    expect((release.build as Json).devUrl).toBeUndefined();
    expect(JSON.stringify(release)).not.toContain("1420");
  });

  test("has no key and no address for updates but those that it is built with", () => {
    expect((release.plugins as Json).updater).toBeUndefined();
    expect((release.bundle as Json).createUpdaterArtifacts).toBeUndefined();
    const overlay = read("tauri.release.conf.json");
    expect([overlay.bundle, overlay.plugins]).toEqual([undefined, undefined]);
  });

  test("lets the window listen to the app and do nothing else", () => {
    expect(security.capabilities).toEqual([
      {
        identifier: "window",
        description: expect.any(String) as string,
        windows: ["main"],
        permissions: ["core:event:allow-listen", "core:event:allow-unlisten"],
      },
    ]);
    // The app itself makes its window, and decides what it may be.
    expect(app.windows).toEqual([]);
  });

  test("holds no page with a script or style of its own in it, or with an address of another server", () => {
    const page = readFileSync(new URL("ui/index.html", root), "utf8");
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:/);
  });
});
