import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  clearScreen: false,
  server: { port: 1420, strictPort: true, host: "127.0.0.1" },
  preview: { port: 4173, strictPort: true, host: "127.0.0.1" },
  build: { target: "safari16", assetsInlineLimit: 0, reportCompressedSize: false },
  test: { environment: "jsdom", include: ["src/**/*.test.ts", "*.test.ts"], restoreMocks: true },
});
