import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "../test-output/pages",
  workers: 2,
  reporter: "list",
  use: {
    baseURL: "http://127.0.0.1:4173",
    browserName: "chromium",
    timezoneId: "Europe/Madrid",
    locale: "en-GB",
    viewport: { width: 1120, height: 760 },
    // A system browser where there is one; Playwright's own otherwise.
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
  },
  webServer: { command: "npm run preview", url: "http://127.0.0.1:4173", reuseExistingServer: true },
});
