// @ts-check
/**
 * A page of the console, as the shell knows it.
 *
 * @typedef {import("../types.js").Overview} Overview
 *
 * @typedef {object} View
 * @property {string} title
 * @property {HTMLElement} element
 * @property {(overview: Overview) => void} [see] The news of a second, and at once what is known already.
 * @property {(query: Record<string, string>) => void} [moved] The same page, with another query.
 * @property {() => void} [paint] The colours have changed.
 * @property {() => void} [close] It is left: nothing goes on.
 *
 * @typedef {object} Desk What a page works with.
 * @property {import("../api.js").Api} api
 * @property {import("../feed.js").Feed} feed
 * @property {() => Overview | null} latest
 *
 * @typedef {(desk: Desk, place: import("../router.js").Place) => View} Page
 */

import { h } from "./dom.js";
import { tell } from "./notice.js";
import { message } from "./words.js";

/**
 * The frame of a page: its heading, what stands beside it, what lies below.
 *
 * @param {string} title
 * @param {(Node | null)[]} beside
 * @param {(Node | null)[]} below
 */
export function page(title, beside, below) {
  return h("div", { class: "view-inner" },
    h("header", { class: "view-head" }, h("h1", { class: "view-title", tabindex: -1 }, title), h("div", { class: "view-beside" }, beside)),
    below);
}

/**
 * A part of a page with a heading of its own.
 *
 * @param {string} title
 * @param {(Node | string | null)[]} children
 * @param {{beside?: (Node | null)[], more?: string}} [options]
 */
export function panel(title, children, { beside = [], more = "" } = {}) {
  const id = `panel-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { class: `panel ${more}`, "aria-labelledby": id },
    h("header", { class: "panel-head" }, h("h2", { class: "panel-title", id }, title), h("div", { class: "panel-beside" }, beside)),
    children);
}

/**
 * Does something, and reports how it went.
 *
 * @param {() => Promise<string>} act Returns the report of a success.
 */
export async function attempt(act) {
  try {
    tell(await act());
  } catch (error) {
    tell(message(error), "bad");
  }
}

/**
 * Looks again and again, while the page is there and visible; never twice at a time.
 *
 * @param {number} everyMs From the end of one look to the next.
 * @param {(signal: AbortSignal) => Promise<void>} look
 * @param {(failed: string) => void} [failed] Told why it could not be looked, and "" once it could; default: tells it in passing.
 * @returns {{stop: () => void, now: () => void}}
 */
export function again(everyMs, look, failed = (why) => why && tell(why, "bad")) {
  const leaving = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let looking = false;
  let wanted = false;
  const run = async () => {
    clearTimeout(timer);
    if (looking) {
      wanted = true;
      return;
    }
    looking = true;
    try {
      if (!document.hidden) await look(leaving.signal);
      failed("");
    } catch (error) {
      if (!leaving.signal.aborted) failed(message(error));
    }
    looking = false;
    if (leaving.signal.aborted) return;
    timer = setTimeout(run, wanted ? 0 : everyMs);
    wanted = false;
  };
  void run();
  return { stop: () => { leaving.abort(); clearTimeout(timer); }, now: () => void run() };
}
