import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { windowState } from "./lib/window-state.svelte";

const target = document.getElementById("app");
if (target) {
  // Language and appearance are known before the first paint, so nothing jumps.
  windowState.loadSettings().finally(() => mount(App, { target }));
}
