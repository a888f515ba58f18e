// @ts-check
/**
 * The last resort: long polls. Each asks for one job and is answered when there is something new.
 *
 * Browsers open few connections, and some have to be left for submits: of many jobs a few are
 * asked for at a time, in turn and with little patience.
 */

import { HttpTransport } from "./http.js";

/** Polls at one time. */
const POLLS = 4;
/** Seconds the server may keep a poll: alone, and when others wait for their turn. */
const LONG_S = 25;
const SHORT_S = 1;
/** Least time between two polls that brought nothing, ms: a server that does not wait is not to be hammered. */
const PAUSE_MS = 1000;

export class PollTransport extends HttpTransport {
  /** @type {Set<string>} */
  #polled = new Set();

  /** @override */
  follow() {
    for (const token of this.followed.keys()) {
      if (this.#polled.size < POLLS && !this.#polled.has(token)) this.attempt(null, () => this.#poll(token));
    }
  }

  /** @param {string} token */
  async #poll(token) {
    this.#polled.add(token);
    const { now, timers } = this.world;
    const after = this.followed.get(token) ?? 0;
    const wait = this.followed.size > POLLS ? SHORT_S : LONG_S;
    const earliest = now() + PAUSE_MS;
    if (!await this.look(null, token, after, { "if-none-match": `"${after}"`, "prefer": `wait=${wait}` })) {
      await new Promise((resolve) => timers.set(() => resolve(null), earliest - now()));
    }
    this.#polled.delete(token);
    const seq = this.followed.get(token);
    if (this.followed.delete(token)) this.followed.set(token, seq ?? 0); // to the end of the row
    this.follow();
  }
}
