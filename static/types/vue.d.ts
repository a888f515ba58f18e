/**
 * Returns a plugin that gives components a client: `client`, or one that it makes of `url` and `options` when the first
 * of them needs it, and closes with the application. On a server it makes none.
 *
 * @param {ClientChoice} [choice]
 */
export function createTidings(choice?: ClientChoice): {
    /** @param {App} app */
    install(app: App): void;
};
/** Returns a function that gives the client, for handlers. @returns {() => Tidings} */
export function useTidings(): () => Tidings;
/**
 * Follows a job.
 *
 * @template [Result=any] What the job returns.
 * @param {MaybeRefOrGetter<string | null | undefined>} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<ShallowRef<JobState<Result>>>}
 */
export function useJob<Result = any>(token: MaybeRefOrGetter<string | null | undefined>, { grant }?: {
    grant?: GrantSource;
}): Readonly<ShallowRef<JobState<Result>>>;
/**
 * Follows all jobs with a tag.
 *
 * @template [Result=any] What the jobs return.
 * @param {MaybeRefOrGetter<string | null | undefined>} tag None: there is no tag yet.
 * @param {JobsOptions} [options]
 * @returns {Readonly<ShallowRef<JobsState<Result>>>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs<Result = any>(tag: MaybeRefOrGetter<string | null | undefined>, { limit, since, ...options }?: JobsOptions): Readonly<ShallowRef<JobsState<Result>>>;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @template [Result=any] What the jobs return.
 * @template {object} [Input=object]
 * @param {string} kind
 * @returns {{
 *   job: Readonly<ShallowRef<JobState<Result>>>,
 *   submit: (input: Input, options?: SubmitOptions) => Promise<string | null>,
 * }}
 */
export function useSubmit<Result = any, Input extends object = object>(kind: string): {
    job: Readonly<ShallowRef<JobState<Result>>>;
    submit: (input: Input, options?: SubmitOptions) => Promise<string | null>;
};
export type JobState<Result = any> = import("./frameworks/job-view.js").JobState<Result>;
export type JobsState<Result = any> = import("./frameworks/jobs-view.js").JobsState<Result>;
export type TaggedJob<Result = any> = import("./frameworks/jobs-view.js").TaggedJob<Result>;
import type { ClientChoice } from "./frameworks/client-source.js";
import type { App } from "vue";
import type { Tidings } from "./tidings.js";
import type { MaybeRefOrGetter } from "vue";
import type { GrantSource } from "./client/jobs/grants.js";
import type { ShallowRef } from "vue";
import type { JobsOptions } from "./frameworks/jobs-view.js";
import type { SubmitOptions } from "./tidings.js";
