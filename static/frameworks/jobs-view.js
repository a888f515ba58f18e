// @ts-check
/**
 * The jobs with one tag as a component shows them, the newest first.
 *
 * Rules: a job is in the list once its first snapshot has come, and stays when it has ended; past `limit` the job that was
 * submitted first leaves the list, and is followed no longer.
 */

/** @import { Snapshot } from "../client/frame.js" */
/** @import { Follow } from "../client/jobs/follow.js" */
/** @import { GrantSource } from "../client/jobs/grants.js" */
/** @import { Job } from "../client/jobs/job.js" */
/** @import { JobState } from "./job-view.js" */
import { TidingsError } from "../client/error.js";
import { JobView } from "./job-view.js";
import { View } from "./view.js";

/** Jobs in a list, where the component names no limit, and the most that it may name. */
const USUAL_LIMIT = 100;
const MOST_LIMIT = 1_000;

/**
 * One job in the list.
 *
 * @template [Result=any]
 * @typedef {JobState<Result> & {token: string, kind: string, tags: string[], submitted: string}} TaggedJob
 *   `submitted`: when (RFC 3339, the store's clock).
 */

/**
 * What is known of the jobs with a tag.
 *
 * @template [Result=any]
 * @typedef {object} JobsState
 * @property {readonly TaggedJob<Result>[]} jobs The newest first.
 * @property {boolean} ready Whether the server has answered: jobs come from now on.
 * @property {boolean} more Whether older jobs were left out for `limit`.
 * @property {TidingsError | null} error Why no more jobs come; those of the list go on where they may.
 */

/**
 * @typedef {object} JobsOptions What a component says of the list that it wants. All but `limit` is read when the tag is
 *   followed.
 * @property {GrantSource} [grant] As of `Tidings.follow`: its owner's jobs. Default: the caller's own.
 * @property {string} [owner] Whose jobs, where they are not the caller's; wants the scope `admin`.
 * @property {string} [since] Also the jobs that ended at this moment (RFC 3339, with its offset) or later. Default: those
 *   that live, and what is submitted from now on.
 * @property {number} [limit] Jobs in the list, 1 to 1,000; default 100.
 */

/** @type {JobsState} */
export const NO_JOBS = Object.freeze({ jobs: Object.freeze([]), ready: false, more: false, error: null });

/**
 * @typedef {object} Row
 * @property {JobView} view
 * @property {TaggedJob} job The same object until something has changed.
 * @property {number} arrival Its number in the order in which jobs came.
 */

/**
 * @param {number} [limit]
 * @returns {number} How many jobs a list holds.
 * @throws {RangeError} `limit` is not a whole number between 1 and 1,000.
 */
export function requireLimit(limit = USUAL_LIMIT) {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_LIMIT) return limit;
  throw new RangeError(`limit is ${limit}: give a whole number from 1 to ${MOST_LIMIT}`);
}

/** @extends {View<JobsState>} */
export class JobsView extends View {
  #open;
  #limit;
  /** @type {Follow | null} */
  #follow = null;
  /** @type {string | undefined} When it was followed first; jobs that ended later are in the list, however often it stops. */
  #since;
  /** @type {Map<string, Row>} By token. */
  #rows = new Map();
  /** @type {Set<JobView>} Of jobs whose snapshot is still to come. */
  #awaited = new Set();
  #arrivals = 0;

  /**
   * @param {(since: string | undefined) => Follow | null} open Follows the tag, with the jobs that ended since then; null:
   *   there is no tag yet.
   * @param {number} [limit] Jobs in the list.
   * @throws {RangeError} As `requireLimit`.
   */
  constructor(open, limit) {
    super(NO_JOBS);
    this.#open = open;
    this.#limit = requireLimit(limit);
  }

  /** @override */
  begin() {
    if (this.#follow) return;
    const follow = this.#follow = this.#open(this.#since);
    follow?.on("following", ({ at }) => {
      if (this.#follow !== follow) return;
      this.#since ??= at;
      if (!this.seen.ready) this.become({ ...this.seen, ready: true });
    });
    follow?.on("job", (job) => {
      if (this.#follow === follow) this.#take(job);
      else job.close();
    });
    follow?.on("refused", ({ problem }) => {
      if (this.#follow === follow) this.become({ ...this.seen, error: new TidingsError(problem) });
    });
  }

  /** Follows the tag and its jobs no longer; a component that listens again gets the list again. @override */
  stop() {
    const follow = this.#follow;
    this.#follow = null;
    follow?.close();
    for (const view of [...this.#awaited, ...[...this.#rows.values()].map((row) => row.view)]) view.stop();
    this.#awaited.clear();
    this.#rows.clear();
    this.become(NO_JOBS);
  }

  /** @param {Job} job */
  #take(job) {
    const view = new JobView(() => null);
    const arrival = this.#arrivals++;
    this.#awaited.add(view);
    view.show(job);
    const forget = job.on("snapshot", (snapshot) => {
      forget();
      if (this.#awaited.delete(view)) this.#list(view, arrival, snapshot);
    });
    job.on("refused", () => this.#awaited.delete(view));
  }

  /**
   * @param {JobView} view
   * @param {number} arrival
   * @param {Snapshot} snapshot
   */
  #list(view, arrival, { token, kind = "", tags = [], milestones }) {
    const about = { token, kind, tags, submitted: milestones.submitted ?? "" };
    /** @type {Row} */
    const row = { view, arrival, job: { ...view.seen, ...about } };
    this.#rows.get(token)?.view.stop(); // it had ended, and an operator has replayed it
    this.#rows.set(token, row);
    if (this.#rows.size > this.#limit) this.#leaveOut();
    view.subscribe(() => {
      if (this.#rows.get(token) !== row) return;
      row.job = { ...view.seen, ...about };
      this.#show();
    });
  }

  /** The job that was submitted first leaves. */
  #leaveOut() {
    const last = [...this.#rows.values()].sort(newestFirst)[this.#limit];
    this.#rows.delete(last.job.token);
    last.view.stop();
    this.become({ ...this.seen, more: true });
  }

  #show() {
    this.become({ ...this.seen, jobs: [...this.#rows.values()].sort(newestFirst).map(({ job }) => job) });
  }
}

/**
 * @param {Row} a
 * @param {Row} b
 */
const newestFirst = (a, b) => timeOf(b) - timeOf(a) || b.arrival - a.arrival;

/** @param {Row} row */
const timeOf = ({ job }) => Date.parse(job.submitted) || 0;
