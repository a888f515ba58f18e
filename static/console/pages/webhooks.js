// @ts-check
/** Webhooks: the deliveries that wait, are dead or were made, and the hosts to which they go. */

/** @import { Delivery, DeliveryPlace } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { select } from "../parts/choice.js";
import { h, mark, say } from "../parts/dom.js";
import { ask, tell } from "../parts/notice.js";
import { Paged } from "../parts/paged.js";
import { format } from "../router.js";
import { Table, button } from "../parts/table.js";
import { again, attempt, page, panel } from "../parts/view.js";
import { Virtual } from "../parts/virtual.js";
import { ago, count, message } from "../parts/words.js";

/** ms */
const EVERY_MS = 3000;
const TONES = /** @type {Record<string, string>} */ ({ delivered: "good", dead: "bad", dropped: "bad", waiting: "warn" });

/** @type {Page} */
export const webhooks = ({ api }, { query }) => {
  let filter = query;
  const state = h("p", { class: "view-note", role: "status" });
  const states = select("Deliveries", [["pending", "not over"], ["dead", "dead"], ["done", "delivered"]]);
  states.select.name = "state";
  const form = h("form", { class: "filters", role: "search", "aria-label": "Deliveries" },
    h("label", { class: "field" }, h("span", { class: "field-label" }, "Deliveries"), states.select));
  form.addEventListener("change", () => { location.hash = format("webhooks", "", { state: states.select.value }); });
  form.addEventListener("submit", (event) => event.preventDefault());

  /**
   * @param {"replay" | "drop"} what
   * @param {Delivery} delivery
   */
  const act = async (what, { id, place }) => {
    const text = what === "replay" ? `${place} gets it again, under the same webhook-id.` : "It is given up for good.";
    if (!await ask({ title: `${what === "replay" ? "Try again" : "Drop"}: ${id}?`, text, yes: what === "replay" ? "Try again" : "Drop", danger: what === "drop" })) return;
    await attempt(async () => {
      const { done, refused } = await api.send(`webhooks/${what}`, { ids: [id] });
      return done > 0 ? `${what === "replay" ? "It is tried again" : "It is dropped"}.` : `Left as it was: ${refused[0]?.why}.`;
    });
    void paged.restart();
  };
  /** @type {Virtual<Delivery>} */
  const list = new Virtual({
    caption: "Deliveries to webhooks",
    key: ({ id, state: now, tries }) => `${id} ${now} ${tries}`,
    empty: "No deliveries here.",
    more: () => void paged.next(),
    cells: [
      { head: "Job", wide: [7, 3], cell: ({ token }) => h("a", { class: "mono", href: format("jobs", token) }, token) },
      { head: "Event", wide: [5.5, 1], cell: ({ event }) => event },
      { head: "To", wide: [8, 3], cell: ({ url }) => h("span", { title: url }, url) },
      { head: "State", wide: [5.5, 1], cell: (row) => h("span", { class: "chip", "data-tone": TONES[row.state] ?? null }, row.state) },
      { head: "Tries", wide: [3, 0], cell: ({ tries }) => String(tries) },
      { head: "Last answer", wide: [7, 3], cell: (row) => h("span", { title: last(row) }, last(row)) },
      { head: "Next try", wide: [6, 1], cell: ({ next_try: next, ended }) => (next ? when(next) : ended ? ago(Date.parse(ended)) : "") },
      { head: "Actions", wide: [10, 0], cell: (row) => h("span", { class: "buttons" },
        button("Try again", () => void act("replay", row), "is-primary"),
        row.state === "waiting" || row.state === "dead" ? button("Drop", () => void act("drop", row), "is-danger") : null) },
    ],
  });
  /** @type {Table<DeliveryPlace>} */
  const places = new Table({
    caption: "Hosts to which deliveries go",
    key: ({ queue, place }) => `${queue} ${place}`,
    empty: "No deliveries are under way or wait.",
    columns: [
      { head: "Host", text: ({ place }) => place },
      { head: "Queue", text: ({ queue }) => queue },
      { head: "Waiting", number: true, text: ({ waiting }) => count(waiting) },
      { head: "Under way", number: true, text: ({ sending }) => count(sending) },
      { head: "Rests", text: ({ paused, rests_until: until }) => (paused ? "paused by an operator" : until ? when(until) : "no") },
      { head: "Actions", quiet: true, make: (row) => button("Pause", () => void hold(row())), update: (one, { place, paused }) => {
        say(one, paused ? "Resume" : "Pause");
        mark(one, "aria-label", `${paused ? "Resume" : "Pause"}: ${place}`);
      } },
    ],
  });

  /** @param {DeliveryPlace} row */
  async function hold({ place, paused }) {
    if (!paused && !await ask({ title: `Pause ${place}?`, text: "It gets no deliveries until an operator resumes it; they wait.", yes: "Pause", danger: true })) return;
    await attempt(async () => {
      await api.send(`webhooks/${paused ? "resume" : "pause"}`, { place });
      return paused ? `${place} gets deliveries again.` : `${place} is paused.`;
    });
    await look();
  }

  /** @type {Paged<Delivery>} */
  const paged = new Paged(async (after, signal) => {
    const answer = await api.get("webhooks", { state: filter.state, after, limit: 200 }, signal);
    say(state, `${count(answer.total)} ${answer.total === 1 ? "delivery" : "deliveries"}.`);
    return { rows: answer.deliveries, cursor: answer.next === null ? null : String(answer.next) };
  }, (failed) => (failed ? tell(message(failed), "bad") : list.show([...paged.rows], paged.complete)));

  async function look() {
    places.show((await api.get("webhooks/places")).places);
  }
  const looking = again(EVERY_MS, async () => {
    await look();
    if (list.atTop && !paged.asking) await paged.restart();
  });
  const fill = () => { states.select.value = filter.state ?? "pending"; };
  fill();
  return {
    title: "Webhooks",
    element: page("Webhooks", [], [
      panel("Hosts", [places.element], { more: "is-table" }),
      form, state, panel("Deliveries", [list.element], { more: "is-table" }),
    ]),
    moved: (next) => {
      filter = next;
      fill();
      list.top();
      looking.now();
    },
    close: () => {
      looking.stop();
      paged.stop();
    },
  };
};

/** @param {Delivery} delivery */
function last({ attempts = [] }) {
  const tried = attempts.at(-1);
  return tried ? tried.error ?? `${tried.status} ${tried.head ?? ""}` : "";
}

/** @param {string} moment RFC 3339 */
function when(moment) {
  const seconds = Math.round((Date.parse(moment) - Date.now()) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "now";
}
