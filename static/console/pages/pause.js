// @ts-check
/** Pausing a queue, from whichever row shows it. */

/** @import { QueueLine } from "../types.js" */
/** @import { Desk } from "../parts/view.js" */
import { nameSegment } from "../../client/path.js";
import { say } from "../parts/dom.js";
import { ask } from "../parts/notice.js";
import { button } from "../parts/table.js";
import { attempt } from "../parts/view.js";

/**
 * The cell of a table of queues.
 *
 * @param {Desk} desk
 */
export function pauseButton({ api }) {
  /** @param {QueueLine} line */
  const act = async ({ queue, paused }) => {
    if (!paused) {
      const text = "Its workers take no new jobs until it is resumed. What runs goes on; what is submitted waits.";
      if (!await ask({ title: `Pause ${queue}?`, text, yes: "Pause" })) return;
    }
    await attempt(async () => {
      await api.send(`queues/${nameSegment(queue)}/${paused ? "resume" : "pause"}`);
      return `${queue} is ${paused ? "resumed" : "paused"}.`;
    });
  };
  return {
    make: (/** @type {() => QueueLine & {first: boolean}} */ row) => button("", () => void act(row())),
    update: (/** @type {HTMLElement} */ made, /** @type {QueueLine & {first: boolean}} */ { queue, paused, first }) => {
      made.hidden = !first; // a queue is paused with all its tiers
      say(made, paused ? "Resume" : "Pause");
      made.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} ${queue}`);
    },
  };
}
