// @ts-check
/**
 * All jobs with one tag, as a page sees them, and the inlet through which the connection feeds it.
 *
 * Rules: each job is handed over once; its events begin when a listener or an iterator has it, so that none is missed
 * there; a job that is not taken is a name and a snapshot, and costs no more however much happens to it.
 */

/** @import { Following, Problem } from "../frame.js" */
/** @import { Job } from "./job.js" */
import { Emitter } from "../emitter.js";
import { TidingsError, localProblem } from "../error.js";

/** Jobs that may wait for the page to take them. */
const MOST_UNTAKEN = 10_000;

/**
 * @typedef {object} FollowEvents What a listener of each name is given.
 * @property {Job} job A job with the tag: one that lived when it was followed, or one that was submitted since.
 * @property {Following} following The server has answered: `jobs` is how many there are by now.
 * @property {{problem: Problem}} expiring The grant is about to run out, and there is no callback for a fresh one.
 * @property {{problem: Problem}} refused No more jobs will come; those that came go on.
 *
 * @typedef {object} FoundJob
 * @property {Job} job
 * @property {() => void} begin Has its events come; only the first call counts.
 *
 * @typedef {object} FollowInlet
 * @property {(found: FoundJob) => void} found
 * @property {(frame: Following) => void} following
 * @property {(problem: Problem) => void} expiring
 * @property {(problem: Problem) => void} refused
 *
 * @typedef {object} FollowLink What it needs of its connection.
 * @property {() => void} close
 * @property {(callback: () => void) => void} soon Calls after what runs now, and what awaits that, has run.
 */

/**
 * All jobs with one tag. It comes from `follow`; `for await` gives each job once.
 *
 * @implements {AsyncIterable<Job>}
 */
export class Follow {
  /** @type {Emitter<FollowEvents>} */
  #emitter = new Emitter();
  /** @type {FoundJob[]} Those that neither a listener nor an iterator was there for. */
  #untaken = [];
  /** @type {Set<{found: FoundJob[], wake: () => void}>} */
  #readers = new Set();
  /** @type {TidingsError | null} */
  #error = null;
  #closed = false;
  /** @type {FollowLink} */
  #link = { close: () => {}, soon: () => {} };

  /**
   * Not for you: it comes from `follow`.
   *
   * @param {string} tag
   */
  constructor(tag) {
    /** @readonly The tag. */
    this.tag = tag;
  }

  /** Whether no more jobs will come: it was closed or refused. */
  get finished() {
    return this.#closed || this.#error !== null;
  }

  /**
   * Calls `listener` at each event of that name, until the function returned is called.
   *
   * @template {keyof FollowEvents} Name
   * @param {Name} name
   * @param {(event: FollowEvents[Name]) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const forget = this.#emitter.on(name, listener);
    if (name === "job" && this.#untaken.length) queueMicrotask(() => this.#offer());
    return forget;
  }

  /** Follows the tag no longer; the jobs that came by it are followed still. */
  close() {
    if (this.finished) return;
    this.#closed = true;
    this.#link.close();
    this.#wake();
  }

  /** All jobs from now on, and those that wait. After a refusal it throws a TidingsError. */
  [Symbol.asyncIterator]() {
    /** @type {{found: FoundJob[], wake: () => void}} */
    const reader = { found: this.#untaken.splice(0), wake: () => {} };
    this.#readers.add(reader);
    return this.#read(reader);
  }

  /**
   * @param {{found: FoundJob[], wake: () => void}} reader
   * @returns {AsyncGenerator<Job, void>}
   */
  async *#read(reader) {
    try {
      for (;;) {
        for (let one; !this.finished && (one = reader.found.shift()); ) {
          this.#link.soon(one.begin);
          yield one.job;
        }
        if (this.#error) throw this.#error;
        if (this.#closed) return;
        await new Promise((wake) => { reader.wake = () => wake(null); });
      }
    } finally {
      this.#readers.delete(reader);
      if (!this.#readers.size && !this.finished && !this.#emitter.heard("job")) this.#untaken.push(...reader.found);
    }
  }

  // What the connection says.

  /**
   * Returns a follow, and the inlet that stays with its maker.
   *
   * @param {string} tag
   * @returns {{follow: Follow, inlet: FollowInlet, bind: (link: FollowLink) => void}}
   */
  static open(tag) {
    const follow = new Follow(tag);
    const inlet = {
      found: (/** @type {FoundJob} */ found) => follow.#found(found),
      following: (/** @type {Following} */ frame) => follow.#emitter.emit("following", frame),
      expiring: (/** @type {Problem} */ problem) => follow.#emitter.emit("expiring", { problem }),
      refused: (/** @type {Problem} */ problem) => follow.#refuse(problem),
    };
    return { follow, inlet, bind: (link) => { follow.#link = link; } };
  }

  /** @param {FoundJob} found */
  #found(found) {
    if (this.finished) return;
    for (const reader of this.#readers) reader.found.push(found);
    if (this.#emitter.heard("job") || !this.#readers.size) this.#untaken.push(found);
    this.#offer();
    this.#wake();
    if (Math.max(this.#untaken.length, ...[...this.#readers].map((reader) => reader.found.length)) > MOST_UNTAKEN) {
      this.#link.close();
      this.#refuse(localProblem("too_slow", `${MOST_UNTAKEN} jobs wait to be taken`, { limit: MOST_UNTAKEN }));
    }
  }

  /** Hands to the listeners what waits. */
  #offer() {
    if (!this.#emitter.heard("job")) return;
    for (const { job, begin } of this.#untaken.splice(0)) {
      this.#emitter.emit("job", job);
      begin();
    }
  }

  /** @param {Problem} problem */
  #refuse(problem) {
    if (this.finished) return;
    this.#error = new TidingsError(problem);
    this.#wake();
    this.#emitter.emit("refused", { problem });
  }

  #wake() {
    for (const { wake } of this.#readers) wake();
  }
}
