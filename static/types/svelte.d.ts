/**
 * Gives the components below a client: `client`, or one that is made of `url` and `options` when the first of them needs
 * it, and closed with the component that calls this. On a server none is made.
 *
 * @param {ClientChoice} [choice]
 */
export function setTidings(choice?: ClientChoice): void;
/** Returns a function that gives the client, for handlers. @returns {() => Tidings} */
export function useTidings(): () => Tidings;
/**
 * Follows a job while a template or an effect reads its state.
 *
 * @template [Result=any] What the job returns.
 * @param {string | null | undefined | (() => string | null | undefined)} token None: there is no job yet. A function where
 *   it may change: `() => token`.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<JobState<Result>>}
 */
export function useJob<Result = any>(token: string | null | undefined | (() => string | null | undefined), { grant }?: {
    grant?: GrantSource;
}): Readonly<JobState<Result>>;
/**
 * Follows all jobs with a tag while a template or an effect reads them.
 *
 * @template [Result=any] What the jobs return.
 * @param {string | null | undefined | (() => string | null | undefined)} tag None: there is no tag yet. A function where
 *   it may change: `() => tag`.
 * @param {JobsOptions} [options]
 * @returns {Readonly<JobsState<Result>>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs<Result = any>(tag: string | null | undefined | (() => string | null | undefined), { limit, since, ...options }?: JobsOptions): Readonly<JobsState<Result>>;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @template [Result=any] What the jobs return.
 * @template {object} [Input=object]
 * @param {string} kind
 * @returns {Readonly<JobState<Result>> & {submit: (input: Input, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit<Result = any, Input extends object = object>(kind: string): Readonly<JobState<Result>> & {
    submit: (input: Input, options?: SubmitOptions) => Promise<string | null>;
};
export type JobState<Result = any> = import("./frameworks/job-view.js").JobState<Result>;
export type JobsState<Result = any> = import("./frameworks/jobs-view.js").JobsState<Result>;
export type TaggedJob<Result = any> = import("./frameworks/jobs-view.js").TaggedJob<Result>;
import type { ClientChoice } from "./frameworks/client-source.js";
import type { Tidings } from "./tidings.js";
import type { GrantSource } from "./client/jobs/grants.js";
import type { JobsOptions } from "./frameworks/jobs-view.js";
import type { SubmitOptions } from "./tidings.js";
