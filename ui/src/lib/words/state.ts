import type { AccountState, BackendState, OutboxState } from "../bindings";
import type { Tone } from "./verdict";

export function accountTone(state: AccountState): Tone {
  switch (state) {
    case "watching":
      return "good";
    case "connecting":
    case "scanning":
    case "paused":
      return "calm";
    case "reconnecting":
      return "warn";
    case "needs_attention":
      return "bad";
  }
}

export function backendTone(state: BackendState): Tone {
  switch (state) {
    case "connected":
      return "good";
    case "connecting":
      return "calm";
    case "offline":
      return "warn";
    case "needs_attention":
      return "bad";
    case "not_connected":
      return "quiet";
  }
}

export function outboxTone(state: OutboxState): Tone {
  return state === "delivered" ? "good" : state === "waiting" ? "calm" : "bad";
}
