// @ts-check
/**
 * When what happened to a job, as its card shows it.
 *
 * Times of the store's clock are compared only with each other; the round trip of the ack is
 * measured here.
 */

import { part, stamp } from "../template.js";
import { clock, duration } from "../words.js";

const SHOWN = ["submitted", "started", "finished"];

export class Times {
  #element;
  /** @type {Record<string, string>} Milestone → RFC 3339, by the store's clock. */
  #milestones = {};
  /** @type {number | null} ms */
  #ackMs = null;

  /** @param {HTMLElement} element A `dl`. */
  constructor(element) {
    this.#element = element;
  }

  /** @param {number} ms */
  acked(ms) {
    this.#ackMs = ms;
    this.#draw();
  }

  /** @param {Record<string, string | null>} milestones Those that are known now. */
  learn(milestones) {
    for (const [name, at] of Object.entries(milestones)) {
      if (at) this.#milestones[name] = at;
    }
    this.#draw();
  }

  #draw() {
    const known = SHOWN.filter((name) => this.#milestones[name]);
    const rows = known.map((name, at) => {
      const date = new Date(this.#milestones[name]);
      const before = at > 0 ? new Date(this.#milestones[known[at - 1]]) : null;
      return row(name, before ? `+${duration(Math.max(0, date.getTime() - before.getTime()))}` : clock(date), date);
    });
    const ack = this.#ackMs === null ? [] : [row("token after", duration(this.#ackMs))];
    const after = known[0] === "submitted" ? 1 : 0;
    this.#element.replaceChildren(...rows.slice(0, after), ...ack, ...rows.slice(after));
  }
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Date} [date]
 */
function row(name, value, date) {
  const made = stamp("time");
  part(made, "name", HTMLElement).textContent = name;
  const text = date ? Object.assign(document.createElement("time"), { dateTime: date.toISOString() }) : document.createElement("span");
  text.textContent = value;
  if (date) text.title = date.toLocaleString();
  part(made, "value", HTMLElement).append(text);
  made.dataset.milestone = name;
  return made;
}
