// @ts-check
/** What a component submits, one job at a time, and how that stands. */

/** @import { SubmitOptions } from "../tidings.js" */
/** @import { Job } from "../client/jobs/job.js" */
/** @import { ClientSource } from "./client-source.js" */
import { JobView } from "./job-view.js";

export class SubmissionView extends JobView {
  /** @type {Promise<string | null> | null} */
  #pending = null;
  /** @type {ClientSource} */
  #source;
  #kind;

  /**
   * @param {ClientSource} source
   * @param {string} kind
   */
  constructor(source, kind) {
    super(() => this.#again());
    this.#source = source;
    this.#kind = kind;
  }

  /**
   * Submits, and shows the job. While one has not been accepted, another call is the same submission: of a double click,
   * or of an effect that strict mode runs twice.
   *
   * @param {object} input
   * @param {SubmitOptions} [options]
   * @returns {Promise<string | null>} The token; null: it was refused, and the state's `error` says why. It rejects never:
   *   frameworks report what a handler's promise rejects with as a defect.
   * @throws {TypeError} Something in it has no form in JSON.
   */
  submit(input, options) {
    if (this.#pending) return this.#pending;
    const job = this.#source.client.submit(this.#kind, input, options);
    this.show(job);
    const pending = job.accepted.then((token) => token, () => null);
    this.#pending = pending;
    pending.then(() => { this.#pending = null; });
    return pending;
  }

  /** Follows what was submitted again, after no component had listened. @returns {Job | null} */
  #again() {
    const { token } = this.seen;
    return token === null ? null : this.#source.client.watch(token);
  }
}
