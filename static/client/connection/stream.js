// @ts-check
/**
 * The second choice: server-sent events, read by `fetch`, so that a credential can go with them.
 *
 * One stream for all jobs, since browsers open few connections: it is opened again when there are
 * more, and continues after the number that was heard last of each. A tag has a stream of its own.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

/** @import { FollowedTag } from "./http.js" */
/** @import { StreamEvent } from "./sse.js" */
import { ABNORMAL, TERMINAL } from "../codes.js";
import { EventParser } from "./sse.js";
import { HttpTransport } from "./http.js";

export class StreamTransport extends HttpTransport {
  /** @override */
  carries = true;
  /** @type {AbortController | null} The present stream's. */
  #stream = null;
  #opening = false;
  #stale = false;
  /** @type {Map<string, AbortController>} The streams of tags. */
  #tagStreams = new Map();

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
    for (const stream of this.#tagStreams.values()) stream.abort();
  }

  /**
   * @override
   * @param {FollowedTag} followed
   */
  async followTag(followed) {
    const { tag, ref, owner, since, grant } = followed;
    this.#tagStreams.get(tag)?.abort();
    const stream = new AbortController();
    this.#tagStreams.set(tag, stream);
    const query = new URLSearchParams({ tag });
    for (const [name, value] of Object.entries({ owner, since, grant })) if (value !== undefined) query.set(name, value);
    const events = this.#events(`events?${query}`, stream, () => {});
    const first = await events.next();
    if (first.done) {
      if (stream.signal.aborted) return; // followed once more, or no longer: that has its own answer
      throw new Error("the stream ended");
    }
    this.ear.frame({ ...JSON.parse(first.value.data), ref });
    /** @type {Map<string, object[] | null>} The log of each job until its snapshot, which it comes before; null: that is here. */
    const early = new Map();
    this.attempt(null, async () => {
      for await (const { event, data } of events) {
        const frame = { type: "event", ...JSON.parse(data), ...(event === "snapshot" && { type: event, ref: null }) };
        const { token } = frame;
        const log = early.get(token);
        if (event === "grant_expired" && frame.tag) this.tags.delete(tag);
        if (event === "log" && log !== null) {
          early.set(token, [...(log ?? []), frame]);
          continue;
        }
        if (event === "snapshot" && log !== null) frame.log = log ?? [];
        if (event === "snapshot") early.set(token, null);
        if (TERMINAL.has(event)) early.delete(token);
        this.tell(frame);
      }
      if (!stream.signal.aborted && this.tags.get(tag) === followed) throw new Error("the stream ended");
    });
  }

  /**
   * @override
   * @param {string} tag
   */
  unfollowTag(tag) {
    this.#tagStreams.get(tag)?.abort();
    this.#tagStreams.delete(tag);
  }

  /** @returns {Promise<void>} */
  async #read() {
    this.#stream?.abort();
    if (!this.followed.size) return;
    const stream = this.#stream = new AbortController();
    this.#opening = true;
    this.#stale = false;
    const query = [...this.followed].map(([token, after]) => `token=${encodeURIComponent(token)}&after=${after}`).join("&");
    const grants = new Set([...this.followed.keys()].flatMap((token) => this.grants.get(token) ?? []));
    const by = [...grants].map((grant) => `&grant=${encodeURIComponent(grant)}`).join("");
    const opened = () => { this.#opening = false; };
    for await (const { event, data } of this.#events(`events?${query}${by}`, stream, opened, () => this.#stale)) {
      this.tell({ type: "event", ...JSON.parse(data), ...(event === "snapshot" && { type: event, ref: null }) });
    }
    if (stream.signal.aborted) return;
    if (this.#stale) return this.#read();
    if (this.followed.size) throw new Error("the stream ended");
  }

  /**
   * Yields the events of one stream until it ends or is aborted.
   *
   * @param {string} path
   * @param {AbortController} stream
   * @param {() => void} opened Called when its first bytes have come.
   * @param {() => boolean} [over] Whether what is asked for is another by now; read when bytes have come.
   * @returns {AsyncGenerator<StreamEvent, void>}
   */
  async *#events(path, stream, opened, over = () => false) {
    const { timers, helloMs } = this.world;
    const timer = timers.set(() => this.ear.lost(ABNORMAL, "no stream in time"), helloMs);
    try {
      const { body } = await this.fetch(path, { signal: stream.signal });
      const reader = /** @type {ReadableStream<BufferSource>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        timers.clear(timer);
        opened();
        this.proven = true;
        if (over()) return;
        this.ear.frame({ type: "alive" });
        yield* parser.push(value);
      }
    } catch (error) {
      if (!stream.signal.aborted) throw error;
    } finally {
      timers.clear(timer);
    }
  }
}
