// @ts-check
/**
 * The bars of jobs that run: each shows its job's progress.
 *
 * Only what is in sight is followed, and no longer than it is.
 */

/** @import { Job, Tidings } from "../../tidings.js" */
import { h, mark } from "./dom.js";

/** Followed at a time: what fits on a screen, and far from what a connection may. */
const MOST = 60;

/** @param {string} text How long it runs already. @param {string} token */
export function liveBar(text, token) {
  return h("span", { class: "live", "data-live": token }, h("span", { class: "live-track", "aria-hidden": "true" }, h("span", { class: "live-bar" })), text);
}

export class LiveBars {
  /** @type {Map<string, {job: Job, fraction: number | null}>} */
  #followed = new Map();
  #tidings;
  #root;

  /**
   * @param {Tidings} tidings
   * @param {Element} root Where the bars are.
   */
  constructor(tidings, root) {
    this.#tidings = tidings;
    this.#root = root;
  }

  /** Follows what has come into sight, and lets go of what has left it. */
  look() {
    const bars = this.#bars();
    for (const [token, { job }] of this.#followed) {
      if (bars.some((bar) => bar.dataset.live === token)) continue;
      job.unwatch();
      this.#followed.delete(token);
    }
    for (const { dataset: { live: token = "" } } of bars) {
      if (!this.#followed.has(token) && this.#followed.size < MOST) this.#follow(token);
    }
    for (const bar of bars) draw(bar, this.#followed.get(bar.dataset.live ?? "")?.fraction ?? null);
  }

  stop() {
    for (const { job } of this.#followed.values()) job.unwatch();
    this.#followed.clear();
  }

  /** @param {string} token */
  #follow(token) {
    const job = this.#tidings.watch(token);
    const followed = { job, fraction: /** @type {number | null} */ (null) };
    this.#followed.set(token, followed);
    job.result.catch(() => {}); // the next look at the list shows how it ended
    job.accepted.catch(() => {});
    const hear = (/** @type {number | null | undefined} */ fraction) => {
      followed.fraction = fraction ?? null;
      for (const bar of this.#bars()) if (bar.dataset.live === token) draw(bar, followed.fraction);
    };
    job.on("snapshot", ({ progress }) => hear(progress?.fraction));
    job.on("progress", ({ data }) => hear(data.fraction));
  }

  /** @returns {HTMLElement[]} */
  #bars() {
    return [...this.#root.querySelectorAll("[data-live]")].filter((bar) => bar instanceof HTMLElement);
  }
}

/**
 * @param {HTMLElement} bar
 * @param {number | null} fraction Null: not known.
 */
function draw(bar, fraction) {
  mark(bar, "data-known", fraction === null ? null : "");
  const inner = /** @type {HTMLElement} */ (bar.querySelector(".live-bar"));
  inner.style.transform = fraction === null ? "" : `scaleX(${fraction})`;
}
