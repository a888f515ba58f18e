// @ts-check
/** One job as a component shows it: its newest state. It follows the job while a component listens. */

/** @import { Progress } from "../client/frame.js" */
/** @import { TidingsError } from "../client/error.js" */
/** @import { Job } from "../client/jobs/job.js" */
import { View } from "./view.js";

/**
 * What is known of a job.
 *
 * @template [Result=any]
 * @typedef {object} JobState
 * @property {string | null} token Null: there is none yet.
 * @property {string | null} status Null: not known yet.
 * @property {Progress | null} progress The newest; null if there was none.
 * @property {Result | undefined} result What it returned, once it has.
 * @property {TidingsError | null} error Why there is no result, once there will be none.
 */

/** @type {JobState} */
export const UNKNOWN = Object.freeze({ token: null, status: null, progress: null, result: undefined, error: null });

/** @extends {View<JobState>} */
export class JobView extends View {
  /** @type {Job | null} */
  #job = null;
  /** @type {() => Job | null} */
  #follow;

  /**
   * @param {() => Job | null} follow Begins to follow the job; null: there is none yet.
   * @param {string | null} [token]
   */
  constructor(follow, token = null) {
    super(token === null ? UNKNOWN : { ...UNKNOWN, token });
    this.#follow = follow;
  }

  /** @override */
  begin() {
    if (this.#job === null && !this.ended) this.show(this.#follow());
  }

  /** Whether nothing more comes. */
  get ended() {
    return this.seen.result !== undefined || this.seen.error !== null;
  }

  /**
   * Shows a job from now on, in place of the one before.
   *
   * @param {Job | null} job
   */
  show(job) {
    this.stop();
    if (job === null) return;
    this.#job = job;
    const look = (/** @type {Partial<JobState>} */ more = {}) => {
      if (this.#job !== job) return;
      const { token, status, progress } = job;
      this.become({ ...UNKNOWN, token, status, progress, ...more });
    };
    job.on("ack", () => look());
    job.on("state", () => look());
    job.on("progress", () => look());
    job.result.then((result = null) => look({ result }), (error) => look({ error }));
    look();
  }

  /** Follows the job no longer. @override */
  stop() {
    const job = this.#job;
    this.#job = null; // first: that it is followed no longer is no news
    job?.close();
  }
}
