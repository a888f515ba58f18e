// @ts-check
/** What one promises for a kind, how it is kept, and how much may still go wrong. */

/** @import { Objective } from "../types.js" */
/** @import { Desk } from "../parts/view.js" */
import { offer, select } from "../parts/choice.js";
import { h, mark, say } from "../parts/dom.js";
import { Table, button } from "../parts/table.js";
import { again, attempt, panel } from "../parts/view.js";
import { NONE, count, moment, ms, percent, took } from "../parts/words.js";

const EVERY_MS = 10_000;

/** @typedef {Record<string, {total_p99: number | null, success: number | null}>} Promises */

/** @param {Desk} desk */
export function objectives({ api }) {
  /** @type {Objective[]} */
  let known = [];
  const note = h("p", { class: "muted" });
  const trouble = h("p", { class: "notice", hidden: true });
  /** @type {Table<Objective>} */
  const table = new Table({
    caption: "Objectives and how they are kept",
    key: ({ kind }) => kind,
    empty: "None yet. Say below how often a kind should succeed, and how quickly.",
    columns: [
      { head: "Kind", text: ({ kind }) => kind },
      { head: "Should succeed", number: true, text: ({ success }) => percent(success) },
      { head: "Succeeded", number: true, text: ({ rate }) => percent(rate), tone: ({ rate, success }) => kept(rate, success) },
      { head: "99 of 100 within", number: true, text: (line) => took(line.total_p99) },
      { head: "Slower", number: true, text: (line) => (line.total_p99 === null || line.count === 0 ? NONE : percent(line.slow / line.count)),
        tone: (line) => (line.total_p99 !== null && line.count > 0 && line.slow / line.count > 0.01 ? "bad" : null) },
      { head: "Jobs", number: true, text: (line) => count(line.count) },
      { head: "Error budget left", make: () => h("span", { class: "budget" }, h("span", { class: "budget-track", "aria-hidden": "true" }, h("span", { class: "budget-bar" })), h("span")),
        update: (cell, { budget }) => {
          const [track, text] = cell.children;
          /** @type {HTMLElement} */ (track.firstElementChild).style.inlineSize = `${100 * Math.min(1, Math.max(0, budget ?? 0))}%`;
          say(text, percent(budget));
          mark(cell, "data-tone", budget === null ? null : budget > 0.25 ? "good" : budget > 0 ? "warn" : "bad");
        } },
      { head: "Actions", quiet: true, make: (row) => button("Remove", () => void put((promises) => { delete promises[row().kind]; }, `The objective of ${row().kind} is removed.`)),
        update: (made, { kind }) => mark(made, "aria-label", `Remove the objective of ${kind}`) },
    ],
  });
  const kind = select("Kind", [["", "kind…"]]);
  kind.select.required = true;
  const success = h("input", { class: "input is-small", type: "number", min: 0.001, max: 99.9999, step: "any", placeholder: "99.9", "aria-label": "Should succeed, percent" });
  const within = h("input", { class: "input is-small", type: "number", min: 0.001, step: "any", placeholder: "2", "aria-label": "99 of 100 within, seconds" });
  const form = h("form", { class: "objective-form", "aria-label": "Set an objective", onsubmit: (event) => {
    event.preventDefault();
    const promise = { success: success.value === "" ? null : Number((Number(success.value) / 100).toPrecision(9)), total_p99: within.value === "" ? null : Number(within.value) };
    void put((promises) => { promises[kind.select.value] = promise; }, `The objective of ${kind.select.value} is set.`);
  } }, kind.label, h("label", { class: "choice" }, success, "% succeed"), h("label", { class: "choice" }, "99 of 100 within", within, "s"),
  h("button", { class: "button is-small", type: "submit" }, "Set"));

  /**
   * @param {(promises: Promises) => void} change
   * @param {string} done
   */
  async function put(change, done) {
    await attempt(async () => {
      const { objectives: now } = await api.get("objectives"); // another operator may have set one
      const promises = /** @type {Promises} */ (Object.fromEntries(now.map((/** @type {Objective} */ one) =>
        [one.kind, { success: one.success, total_p99: one.total_p99 }])));
      change(promises);
      await api.send("objectives", promises, "PUT");
      return done;
    });
    asking.now();
  }

  const asking = again(EVERY_MS, async (signal) => {
    const answer = await api.get("objectives", {}, signal);
    known = answer.objectives;
    const since = known.map((one) => ms(one.since)).filter((at) => at !== null);
    say(note, since.length > 0 ? `jobs since ${moment(Math.min(...since))}` : "");
    table.show(known);
  }, (why) => {
    say(trouble, why && `The server did not send the objectives: ${why}`);
    trouble.hidden = !why;
  });
  return {
    element: panel("Objectives", [trouble, table.element, form], { beside: [note], more: "is-table" }),
    see: (/** @type {import("../types.js").Overview} */ { kinds }) => offer(kind.select, kinds.map((one) => one.kind)),
    close: asking.stop,
  };
}

/**
 * @param {number | null} rate
 * @param {number | null} wanted
 */
const kept = (rate, wanted) => (rate === null || wanted === null ? null : rate >= wanted ? "good" : "bad");
