// @ts-check
/** All jobs of this browser: their cards, and what is remembered of them. */

/** @import { Job, Tidings } from "../../tidings.js" */
import { TERMINAL } from "../../client/codes.js";
import { Card } from "./card.js";
import { fitRows } from "./masonry.js";
import { forget, onChangeElsewhere, remember, remembered } from "./memory.js";
import { part } from "../template.js";
import { count } from "../words.js";

export class Board {
  /** @type {Map<Element, Card>} */
  #cards = new Map();
  #tidings;
  #root;
  #list;

  /**
   * @param {Tidings} tidings
   * @param {ParentNode} root
   */
  constructor(tidings, root) {
    this.#tidings = tidings;
    this.#root = root;
    this.#list = part(root, "jobs", HTMLElement);
    this.#list.addEventListener("click", (event) => this.#act(event));
    this.#button("remove-finished").addEventListener("click", () => this.#remove((card) => card.finished));
    this.#button("clear").addEventListener("click", () => this.#remove(() => true));
    onChangeElsewhere(() => this.#follow());
    this.#follow();
  }

  /**
   * Submits a job and shows it.
   *
   * @param {string} kind
   * @param {string} label
   * @param {object} input
   * @returns {Job}
   */
  start(kind, label, input) {
    const job = this.#tidings.submit(kind, input);
    job.on("ack", ({ token }) => remember({ token, kind, label, at: Date.now() }));
    this.#add({ kind, label }, job).element.scrollIntoView({ block: "nearest" });
    this.#announce(`${label}: sent`);
    return job;
  }

  /** Makes the cards what is remembered: another tab may have added or removed some. */
  #follow() {
    const known = remembered();
    const tokens = new Set(known.map(({ token }) => token));
    const here = new Set([...this.#cards.values()].map(({ token }) => token));
    for (const [element, card] of [...this.#cards]) {
      if (card.token && !tokens.has(card.token)) this.#drop(element, card);
    }
    for (const job of known) {
      if (!here.has(job.token)) this.#add(job, this.#tidings.watch(job.token));
    }
    this.#recount();
  }

  /**
   * @param {{kind: string, label: string}} what
   * @param {Job} job
   */
  #add(what, job) {
    const card = new Card(what, job);
    let seenRunning = !job.token;
    this.#cards.set(card.element, card);
    this.#list.prepend(card.element);
    fitRows(card.element);
    this.#recount();
    let undoing = false;
    job.on("step", ({ data }) => {
      if (data.type === "signal" && data.status === "running") this.#announce(`${what.label}: waits for “${data.name}”`);
      if (data.status === "compensating" && !undoing) this.#announce(`${what.label}: undoes what it has done`);
      undoing ||= data.status === "compensating";
    });
    job.on("snapshot", ({ status }) => { seenRunning ||= !TERMINAL.has(status); });
    job.on("finished", ({ event }) => {
      this.#recount();
      if (!seenRunning) return; // old news
      this.#announce(`${what.label}: ${event}`);
      // The events tell when it started and finished; the store knows the rest.
      this.#tidings.watch(/** @type {string} */ (job.token), { after: job.seq })
        .on("snapshot", ({ milestones }) => card.learn(milestones));
    });
    job.on("refused", ({ problem }) => {
      this.#recount();
      if (seenRunning) this.#announce(`${what.label}: ${problem.title}`);
    });
    return card;
  }

  /** @param {Event} event */
  #act({ target }) {
    const button = target instanceof Element ? target.closest("[data-action]") : null;
    const element = button?.closest(".job");
    const card = element && this.#cards.get(element);
    if (!button || !card) return;
    const { action } = /** @type {HTMLElement} */ (button).dataset;
    switch (action) {
      case "cancel": return void card.cancel();
      case "copy": return void card.copy();
      case "remove": return this.#remove((one) => one === card);
      default: throw new Error(`no such action: ${action}`);
    }
  }

  /** @param {(card: Card) => boolean} chosen */
  #remove(chosen) {
    const going = [...this.#cards].filter(([, card]) => chosen(card));
    forget(going.map(([, { token }]) => token ?? ""));
    for (const [element, card] of going) this.#drop(element, card);
    this.#recount();
    part(this.#root, "board", HTMLElement).focus({ preventScroll: true }); // the button pressed may be gone
  }

  /**
   * @param {Element} element
   * @param {Card} card
   */
  #drop(element, card) {
    this.#cards.delete(element);
    card.remove();
  }

  #recount() {
    const cards = [...this.#cards.values()];
    const running = cards.filter(({ finished }) => !finished).length;
    const parts = [running && `${count(running)} under way`, cards.length - running && `${count(cards.length - running)} finished`];
    part(this.#root, "count", HTMLElement).textContent = parts.filter(Boolean).join(", ");
    part(this.#root, "empty", HTMLElement).hidden = cards.length > 0;
    this.#button("remove-finished").disabled = running === cards.length;
    this.#button("clear").disabled = cards.length === 0;
    document.title = running > 0 ? `(${running}) Tidings` : "Tidings";
  }

  /** @param {string} text */
  #announce(text) {
    part(this.#root, "announcer", HTMLElement).textContent = text;
  }

  /** @param {string} name */
  #button(name) {
    return part(this.#root, name, HTMLButtonElement);
  }
}
