// @ts-check
/** Looks which kinds are served here, and says so. */

/** @import { Kind } from "./kinds.js" */
/** @import { Tidings } from "../../tidings.js" */
import { fetchKinds } from "./kinds.js";
import { part } from "../template.js";

/** When a page opens with the system itself, the worker is not there yet: ms until another look, thrice. */
const LATER = [1000, 2000, 4000];

/**
 * @param {Tidings} tidings
 * @param {(kinds: Kind[]) => void} show
 */
export function lookAtKinds(tidings, show) {
  const text = part(document, "kinds-text", HTMLElement);

  async function look(tries = 0) {
    try {
      const kinds = await fetchKinds();
      show(kinds);
      const names = kinds.map(({ kind }) => kind).join(", ");
      text.textContent = names ? `Served here: ${names}.` : "No worker has registered a kind yet.";
      if (!names && tries < LATER.length) setTimeout(() => look(tries + 1), LATER[tries]);
    } catch (error) {
      text.textContent = `The server did not say which kinds are served: ${error instanceof Error ? error.message : error}.`;
    }
  }

  part(document, "kinds-again", HTMLButtonElement).addEventListener("click", () => look());
  tidings.on("state", ({ previous, state }) => {
    // Each new socket may lead to another server, with other workers behind it.
    if (previous === "connecting" && state !== "backing-off") void look();
  });
}
