// @ts-check
/**
 * The second choice: server-sent events, read by `fetch`, so that a credential can go with them.
 *
 * One stream for all jobs, since browsers open few connections: it is opened again when there are
 * more, and continues after the number that was heard last of each.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

import { ABNORMAL } from "./codes.js";
import { EventParser } from "./sse.js";
import { HttpTransport } from "./http.js";

export class StreamTransport extends HttpTransport {
  /** @type {AbortController | null} The present stream's. */
  #stream = null;
  #opening = false;
  #stale = false;

  /** @override */
  follow() {
    this.#stale = true;
    // One that is opening is let: it has first to prove that streams come through here.
    if (!this.#opening) this.attempt(null, () => this.#read());
  }

  /** @override */
  close() {
    super.close();
    this.#stream?.abort();
  }

  /** @returns {Promise<void>} */
  async #read() {
    this.#stream?.abort();
    if (!this.followed.size) return;
    const stream = this.#stream = new AbortController();
    const { timers, helloMs } = this.world;
    this.#opening = true;
    this.#stale = false;
    const timer = timers.set(() => this.ear.lost(ABNORMAL, "no stream in time"), helloMs);
    try {
      const query = [...this.followed].map(([token, after]) => `token=${encodeURIComponent(token)}&after=${after}`).join("&");
      const grants = new Set([...this.followed.keys()].flatMap((token) => this.grants.get(token) ?? []));
      const by = [...grants].map((grant) => `&grant=${encodeURIComponent(grant)}`).join("");
      const { body } = await this.fetch(`events?${query}${by}`, { signal: stream.signal });
      const reader = /** @type {ReadableStream<BufferSource>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        timers.clear(timer);
        this.#opening = false;
        this.proven = true;
        if (this.#stale) return this.#read();
        this.ear.frame({ type: "alive" });
        for (const event of parser.push(value)) this.#take(event);
      }
      if (this.followed.size) throw new Error("the stream ended");
    } catch (error) {
      if (!stream.signal.aborted) throw error;
    } finally {
      timers.clear(timer);
    }
  }

  /** @param {import("./sse.js").StreamEvent} event */
  #take({ event, data }) {
    this.tell({ type: "event", ...JSON.parse(data), ...(event === "snapshot" && { type: event, ref: null }) });
  }
}
