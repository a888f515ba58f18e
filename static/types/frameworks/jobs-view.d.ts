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
export function requireLimit(limit?: number): number;
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
export const NO_JOBS: JobsState;
/** @extends {View<JobsState>} */
export class JobsView extends View<JobsState<any>> {
    /**
     * @param {(since: string | undefined) => Follow | null} open Follows the tag, with the jobs that ended since then; null:
     *   there is no tag yet.
     * @param {number} [limit] Jobs in the list.
     * @throws {RangeError} As `requireLimit`.
     */
    constructor(open: (since: string | undefined) => Follow | null, limit?: number);
    #private;
}
export type Row = {
    view: JobView;
    /**
     * The same object until something has changed.
     */
    job: TaggedJob;
    /**
     * Its number in the order in which jobs came.
     */
    arrival: number;
};
/**
 * `submitted`: when (RFC 3339, the store's clock).
 */
export type TaggedJob<Result = any> = JobState<Result> & {
    token: string;
    kind: string;
    tags: string[];
    submitted: string;
};
/**
 * What is known of the jobs with a tag.
 */
export type JobsState<Result = any> = {
    /**
     * The newest first.
     */
    jobs: readonly TaggedJob<Result>[];
    /**
     * Whether the server has answered: jobs come from now on.
     */
    ready: boolean;
    /**
     * Whether older jobs were left out for `limit`.
     */
    more: boolean;
    /**
     * Why no more jobs come; those of the list go on where they may.
     */
    error: TidingsError | null;
};
/**
 * What a component says of the list that it wants. All but `limit` is read when the tag is
 *   followed.
 */
export type JobsOptions = {
    /**
     * As of `Tidings.follow`: its owner's jobs. Default: the caller's own.
     */
    grant?: GrantSource | undefined;
    /**
     * Whose jobs, where they are not the caller's; wants the scope `admin`.
     */
    owner?: string | undefined;
    /**
     * Also the jobs that ended at this moment (RFC 3339, with its offset) or later. Default: those
     * that live, and what is submitted from now on.
     */
    since?: string | undefined;
    /**
     * Jobs in the list, 1 to 1,000; default 100.
     */
    limit?: number | undefined;
};
import { View } from "./view.js";
import type { Follow } from "../client/jobs/follow.js";
import { JobView } from "./job-view.js";
import type { JobState } from "./job-view.js";
import { TidingsError } from "../client/error.js";
import type { GrantSource } from "../client/jobs/grants.js";
