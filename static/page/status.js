// @ts-check
/** Shows the connection's state. */

/** @import { Tidings } from "../tidings.js" */
/** @import { StateChange } from "../client/connection/connection.js" */
import { part } from "./template.js";

/**
 * @param {Tidings} tidings
 * @param {ParentNode} root
 */
export function showConnection(tidings, root) {
  const box = part(root, "connection", HTMLElement);
  const text = part(root, "connection-text", HTMLElement);
  const show = (/** @type {StateChange} */ change) => {
    box.dataset.state = change.state;
    text.textContent = sentence(change);
  };
  tidings.on("state", show);
  show({ state: tidings.state, previous: tidings.state, transport: "websocket" });
}

/** What is said of the way, where it is not the usual one. */
const WAY = { "websocket": "", "sse": " by event stream", "long-poll": " by polling" };

/** @param {StateChange} change */
function sentence({ state, transport, delayMs = 0, code, reason }) {
  switch (state) {
    case "connecting": return "Connecting…";
    case "open": return `Connected${WAY[transport]}`;
    case "resuming": return "Picking up where it was…";
    case "backing-off": return `Connection lost; next try in ${(delayMs / 1000).toFixed(1)} s`;
    case "closed": return `Disconnected (${code}${reason ? `: ${reason}` : ""})`;
    default: throw new Error(`no such state: ${state}`);
  }
}
