// @ts-check
/**
 * Which jobs are followed, by token, and what it takes that none of their events is missed.
 *
 * Several `Job`s may follow one token, but a socket watches it once: a second `watch` begins again.
 * So one is asked from the lowest number any of them has seen, and its snapshot is for them all.
 */

/** @import { Problem, Snapshot, EventFrame } from "../frame.js" */
/** @import { Inlet } from "./events.js" */
/** @import { Job } from "./job.js" */
import { PASSING } from "../codes.js";

/**
 * @typedef {{job: Job, inlet: Inlet}} TrackedJob
 *
 * @typedef {object} Asking
 * @property {(token: string, after: number, refused: (problem: Problem) => void) => void} watch
 * @property {(token: string) => void} unwatch
 * @property {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after
 *   back-off, if there is still a connection then.
 * @property {() => void} resumed All that was followed when the socket opened has its snapshot.
 */

export class Watches {
  /** @type {Map<string, Set<TrackedJob>>} Token → those who follow it and are unfinished. */
  #entries = new Map();
  /** @type {Set<string>} Tokens asked for again on this socket, with no answer yet. */
  #resuming = new Set();
  /** @type {Set<string>} Tokens that the server watches on this socket because of a tag, and for no `watch` or `submit`. */
  #found = new Set();
  #asking;

  /** @param {Asking} asking */
  constructor(asking) {
    this.#asking = asking;
  }

  /** @param {string} token Whether a job is followed. */
  has(token) {
    return this.#entries.has(token);
  }

  /** Whether no job is followed. */
  get idle() {
    return this.#entries.size === 0;
  }

  /**
   * @param {string} token
   * @param {TrackedJob} entry
   */
  add(token, entry) {
    const entries = this.#entries.get(token) ?? new Set();
    this.#entries.set(token, entries.add(entry));
  }

  /**
   * Stops following for one of them, and at the server if it was the last.
   *
   * @param {string} token
   * @param {TrackedJob} entry
   */
  remove(token, entry) {
    if (!this.#entries.get(token)?.delete(entry)) return;
    if (this.#tidy(token)) this.#asking.unwatch(token);
  }

  /**
   * Adds a job that the server watches already, because its tag is followed.
   *
   * @param {string} token
   * @param {TrackedJob} entry
   */
  addFound(token, entry) {
    if (!this.#entries.has(token)) this.#found.add(token);
    this.add(token, entry);
  }

  /**
   * Asks for a job that the server watches because of a tag which will be followed no longer.
   *
   * @param {string} token
   */
  release(token) {
    if (this.#found.has(token)) this.start(token);
  }

  /**
   * Asks for a job's events.
   *
   * @param {string} token
   * @param {number} [tries] Refusals so far of the kind that passes.
   */
  start(token, tries = 0) {
    const entries = [...(this.#entries.get(token) ?? [])];
    if (entries.length === 0) return;
    this.#found.delete(token);
    for (const { inlet } of entries) inlet.interrupted();
    const after = Math.min(...entries.map(({ inlet }) => inlet.after()));
    this.#asking.watch(token, after, (problem) => this.#refused(token, problem, tries));
  }

  /** A socket is greeted. Returns whether there is something to resume. */
  prepare() {
    this.#resuming = new Set(this.#entries.keys());
    return this.#resuming.size > 0;
  }

  /** Asks again for everything that is followed. */
  resume() {
    for (const token of [...this.#resuming]) this.start(token);
  }

  /** The socket is gone: nothing counts until the snapshot that the next one brings. */
  interrupt() {
    this.#resuming.clear();
    this.#found.clear();
    for (const entries of this.#entries.values()) {
      for (const { inlet } of entries) inlet.interrupted();
    }
  }

  /** @param {EventFrame} event */
  event(event) {
    this.#tell(event.token, ({ inlet }) => inlet.event(event));
  }

  /** @param {Snapshot} snapshot */
  snapshot(snapshot) {
    this.#tell(snapshot.token, ({ inlet }) => inlet.snapshot(snapshot));
    this.#settle(snapshot.token);
  }

  /**
   * The grant of a job is about to run out.
   *
   * @param {string} token
   * @param {Problem} problem
   */
  expiring(token, problem) {
    this.#tell(token, ({ inlet }) => inlet.expiring(problem));
  }

  /**
   * A job is not known any more.
   *
   * @param {string} token
   * @param {Problem} problem
   */
  vanished(token, problem) {
    this.#tell(token, ({ inlet }) => inlet.refused(problem));
  }

  /**
   * Nothing will be heard of any job again.
   *
   * @param {Problem} problem
   */
  end(problem) {
    const all = [...this.#entries.values()];
    this.#entries.clear();
    for (const entries of all) {
      for (const { inlet } of entries) inlet.refused(problem);
    }
  }

  /**
   * @param {string} token
   * @param {(entry: TrackedJob) => void} tell
   */
  #tell(token, tell) {
    for (const entry of [...(this.#entries.get(token) ?? [])]) {
      tell(entry);
      if (entry.job.finished) this.#entries.get(token)?.delete(entry);
    }
    this.#tidy(token);
  }

  /**
   * @param {string} token
   * @param {Problem} problem
   * @param {number} tries
   */
  #refused(token, problem, tries) {
    if (PASSING.has(problem.code)) {
      this.#asking.later(() => this.start(token, tries + 1), tries, problem);
    } else {
      this.#tell(token, ({ inlet }) => inlet.refused(problem));
    }
  }

  /**
   * @param {string} token
   * @returns {boolean} Whether no job of this client follows it any more.
   */
  #tidy(token) {
    if (this.#entries.get(token)?.size !== 0) return false;
    this.#entries.delete(token);
    this.#found.delete(token);
    this.#settle(token);
    return true;
  }

  /** @param {string} token */
  #settle(token) {
    if (this.#resuming.delete(token) && this.#resuming.size === 0) this.#asking.resumed();
  }
}
