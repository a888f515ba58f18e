// @ts-check
/** Workers: what each does right now. */

/** @import { WorkerLine } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { h, mark, say } from "../parts/dom.js";
import { format } from "../router.js";
import { page } from "../parts/view.js";
import { NONE, ago, count, ms, percent, size, whole } from "../parts/words.js";

/** A worker that has not been heard of for so long has missed heartbeats: s. */
const QUIET_S = 15;

/** @type {Page} */
export const workers = () => {
  const list = h("ol", { class: "workers", "aria-label": "Workers" });
  const empty = h("p", { class: "empty", hidden: true }, "No worker is running. Start one with ", h("code", {}, "tidings work"), ".");
  const note = h("p", { class: "view-note" });
  /** @type {Map<string, Card>} */
  const cards = new Map();
  return {
    title: "Workers",
    element: page("Workers", [note], [list, empty]),
    see: ({ workers: seen }) => {
      const names = new Set(seen.map(({ worker }) => worker));
      for (const [name, card] of cards) {
        if (names.has(name)) continue;
        card.element.remove();
        cards.delete(name);
      }
      for (const line of seen) {
        let card = cards.get(line.worker);
        if (!card) {
          cards.set(line.worker, card = new Card(line));
          list.append(card.element);
        }
        card.show(line);
      }
      empty.hidden = seen.length > 0;
      const [busy, slots] = [seen.reduce((sum, { busy }) => sum + busy, 0), seen.reduce((sum, line) => sum + allSlots(line), 0)];
      say(note, `${count(busy)} of ${count(slots)} slots are in use by ${count(seen.length)} ${seen.length === 1 ? "worker" : "workers"}.`);
    },
  };
};

/**
 * Returns the slots of a worker in all: it has so many in each of its queues.
 *
 * @param {Pick<WorkerLine, "slots" | "queues">} line
 */
export const allSlots = ({ slots, queues }) => slots * Math.max(1, queues.length);

/** One worker. */
class Card {
  #slots = h("div", { class: "meter", role: "progressbar", "aria-label": "Slots in use", "aria-valuemin": 0 }, h("div", { class: "meter-bar" }));
  #facts = h("dl", { class: "fact-row" });
  #running = h("tbody");
  #table;
  #idle = h("p", { class: "muted" }, "Idle.");
  #state = h("span", { class: "chip" });
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();
  element;

  /** @param {WorkerLine} line */
  constructor({ worker, host, pid }) {
    this.#table = h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": `Jobs of ${worker}` }, h("table", { class: "table lines" },
      h("thead", {}, h("tr", {}, ["Kind", "Token", "For"].map((head) => h("th", { scope: "col" }, head)))), this.#running));
    this.element = h("li", { class: "panel worker", "data-row": worker, tabindex: -1 },
      h("header", { class: "panel-head" }, h("div", {}, h("h2", { class: "panel-title" }, `${host || worker} · ${pid}`), h("p", { class: "muted mono" }, worker)), this.#state),
      this.#slots, this.#facts, this.#table, this.#idle);
  }

  /** @param {WorkerLine} line */
  show(line) {
    const { queues, tiers, cpu, memory, since, seen, version, running, sending = null, delivery_slots: sends = 0 } = line;
    // One that delivers to webhooks and does nothing else has no slots for jobs.
    const delivers = sending !== null && line.slots === 0;
    const [busy, slots] = delivers ? [sending, sends] : [line.busy, allSlots(line)];
    const late = seen > QUIET_S;
    say(this.#state, late ? `silent for ${whole(seen)}` : busy >= slots && slots > 0 ? "full" : busy > 0 ? "working" : "idle");
    mark(this.#state, "data-tone", late ? "bad" : busy > 0 ? "busy" : null);
    mark(this.#slots, "aria-valuemax", String(slots));
    mark(this.#slots, "aria-valuenow", String(busy));
    /** @type {HTMLElement} */ (this.#slots.firstElementChild).style.transform = `scaleX(${Math.min(1, busy / Math.max(1, slots))})`;
    if (!delivers) this.#fact("slots", `${count(busy)} of ${count(slots)}${queues.length > 1 ? ` (${count(line.slots)} in each queue)` : ""}`);
    if (sending !== null) this.#fact("delivers", `${count(sending)} of ${count(sends)}`);
    this.#fact("CPU", cpu === null ? NONE : percent(cpu));
    this.#fact("memory", memory === null ? NONE : size(memory));
    this.#fact("up", ago(since).replace(" ago", ""));
    this.#fact("version", version || NONE);
    this.#fact("queues", delivers ? "deliveries of all" : queues.join(", ") || NONE);
    const owned = Object.entries(tiers);
    if (!delivers) this.#fact("tiers", owned.length > 0 ? owned.map(([tier, of]) => `${tier} ${of}`).join(", ") : "all");
    this.#show(running, line.busy);
    if (delivers) say(this.#idle, "It delivers to webhooks, and runs no jobs.");
  }

  /**
   * @param {import("../types.js").Running[]} running
   * @param {number} busy
   */
  #show(running, busy) {
    const there = new Map([...this.#running.rows].map((row) => [row.dataset.token ?? "", row]));
    const tokens = new Set(running.map(({ token }) => token));
    for (const [token, row] of there) if (!tokens.has(token)) row.remove();
    for (const { token, kind, since } of running) {
      let row = there.get(token);
      if (!row) {
        row = h("tr", { "data-token": token }, h("th", { scope: "row" }, kind), h("td", {}, h("a", { class: "mono", href: format("jobs", token) }, token)), h("td"));
        this.#running.append(row);
      }
      say(row.cells[2], whole(Math.max(0, (Date.now() - (ms(since) ?? Date.now())) / 1000)));
    }
    this.#table.hidden = running.length === 0;
    this.#idle.hidden = running.length > 0;
    say(this.#idle, busy > 0 ? "Its next heartbeat tells which jobs it runs." : "Idle.");
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #fact(name, text) {
    let value = this.#values.get(name);
    if (!value) {
      value = h("dd", { class: "fact-text" });
      this.#values.set(name, value);
      this.#facts.append(h("div", {}, h("dt", { class: "fact-name" }, name), value));
    }
    say(value, text);
  }
}
