// @ts-check
/**
 * One job as a component shows it: its newest state, and who is to hear of the next.
 *
 * It follows the job while a component listens. Frameworks take a component down and put it up again at once (React in
 * strict mode, hot reloads): what stops listening is waited for, so that the watch stays.
 */

/** @import { Progress } from "../client/frame.js" */
/** @import { TidingsError } from "../client/error.js" */
/** @import { Job } from "../client/job.js" */

/**
 * @typedef {object} JobState What is known of a job.
 * @property {string | null} token Null: there is none yet.
 * @property {string | null} status Null: not known yet.
 * @property {Progress | null} progress The newest; null if there was none.
 * @property {any} result What it returned, once it has.
 * @property {TidingsError | null} error Why there is no result, once there will be none.
 */

/** @type {JobState} */
export const UNKNOWN = Object.freeze({ token: null, status: null, progress: null, result: undefined, error: null });

export class JobView {
  /** @type {JobState} */
  #seen;
  /** @type {Job | null} */
  #job = null;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {() => Job | null} */
  #follow;

  /**
   * @param {() => Job | null} follow Begins to follow the job; null: there is none yet.
   * @param {string | null} [token]
   */
  constructor(follow, token = null) {
    this.#follow = follow;
    this.#seen = token === null ? UNKNOWN : { ...UNKNOWN, token };
  }

  /** The newest state: another object whenever it has changed. */
  get seen() {
    return this.#seen;
  }

  /**
   * @param {() => void} listener Called whenever the state has changed.
   * @returns {() => void} Call it to hear no more.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    if (this.#job === null && !this.ended) this.show(this.#follow());
    return () => {
      this.#listeners.delete(listener);
      setTimeout(() => {
        if (this.#listeners.size === 0) this.#stop();
      });
    };
  }

  /** Whether nothing more comes. */
  get ended() {
    return this.#seen.result !== undefined || this.#seen.error !== null;
  }

  /**
   * Shows a job from now on, in place of the one before.
   *
   * @param {Job | null} job
   */
  show(job) {
    this.#stop();
    if (job === null) return;
    this.#job = job;
    const look = (/** @type {Partial<JobState>} */ more = {}) => {
      if (this.#job !== job) return;
      const { token, status, progress } = job;
      this.#become({ ...UNKNOWN, token, status, progress, ...more });
    };
    job.on("ack", () => look());
    job.on("state", () => look());
    job.on("progress", () => look());
    job.result.then((result = null) => look({ result }), (error) => look({ error }));
    look();
  }

  /** @param {JobState} state */
  #become(state) {
    this.#seen = state;
    for (const listener of [...this.#listeners]) listener();
  }

  #stop() {
    const job = this.#job;
    this.#job = null; // first: that it is followed no longer is no news
    job?.close();
  }
}
