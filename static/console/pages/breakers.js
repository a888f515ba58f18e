// @ts-check
/** Breakers: what they let through, and by whose will. */

/** @import { BreakerLine } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { nameSegment } from "../../client/path.js";
import { h, mark, say } from "../parts/dom.js";
import { ask } from "../parts/notice.js";
import { Table, button } from "../parts/table.js";
import { attempt, page, panel } from "../parts/view.js";
import { ago } from "../parts/words.js";

/** What a breaker can be told: the state, the button, its look, what one is asked, and whether that is for one that is held. */
const ORDERS = /** @type {const} */ ([
  ["open", "Hold open", "is-danger", "The breaker lets no call through until an operator releases it: jobs that need the service wait."],
  ["closed", "Hold closed", "", "The breaker lets every call through for an hour, however many fail."],
  ["auto", "Release", "is-primary", ""],
]);

/** @type {Page} */
export const breakers = ({ api }) => {
  /**
   * @param {string} breaker
   * @param {typeof ORDERS[number]} order
   */
  const act = async (breaker, [state, name, , text]) => {
    if (text && !await ask({ title: `${name}: ${breaker}?`, text, yes: name, danger: state === "open" })) return;
    await attempt(async () => {
      await api.send(`breakers/${nameSegment(breaker)}`, { state });
      return state === "auto" ? `${breaker} goes by its calls again.` : `${breaker} is held ${state}.`;
    });
  };
  /** @type {Table<BreakerLine>} */
  const table = new Table({
    caption: "Circuit breakers",
    key: ({ breaker }) => breaker,
    empty: "No breaker has been used yet; each appears with its first call.",
    columns: [
      { head: "Breaker", text: ({ breaker }) => breaker },
      { head: "State", make: () => h("span", { class: "chip" }), update: (chip, { state }) => {
        say(chip, state.replace("_", " "));
        mark(chip, "data-tone", state === "closed" ? "good" : state === "open" ? "bad" : "warn");
      } },
      { head: "Since", text: ({ since }) => ago(since) },
      { head: "Held there", text: ({ forced }) => (forced ? "by an operator" : "by its calls") },
      { head: "Actions", quiet: true, make: (row) => h("span", { class: "buttons" }, ORDERS.map((order) => button(order[1], () => void act(row().breaker, order), order[2]))),
        update: (buttons, { breaker, state, forced }) => {
          [...buttons.children].forEach((one, at) => {
            if (!(one instanceof HTMLElement)) return;
            const [order, name] = ORDERS[at];
            mark(one, "aria-label", `${name}: ${breaker}`);
            one.hidden = order === "auto" ? !forced : forced && order === state; // only what would change something
          });
        } },
    ],
  });
  return {
    title: "Breakers",
    element: page("Breakers", [], [
      h("p", { class: "view-note" }, "A breaker that is open keeps jobs from a service that fails. Held open or closed, it no longer goes by how the calls end."),
      panel("All breakers", [table.element], { more: "is-table" }),
    ]),
    see: ({ breakers: seen }) => table.show(seen),
  };
};
