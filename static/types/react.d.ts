/**
 * Gives the components below it a client: `client`, or one that it makes of `url` and `options` when the first of them
 * needs it, and closes when it goes. On a server it makes none.
 *
 * @param {{client?: Tidings, url?: string | URL, options?: Options, children?: ReactNode}} props
 */
export function TidingsProvider({ client, url, options, children }: {
    client?: Tidings;
    url?: string | URL;
    options?: Options;
    children?: ReactNode;
}): import("react").FunctionComponentElement<import("react").ProviderProps<ClientSource | null>>;
/** The client, in effects and handlers. @returns {Tidings} */
export function useTidings(): Tidings;
/**
 * Follows a job, and renders again whenever its state changes.
 *
 * @template [Result=any] What the job returns.
 * @param {string | null | undefined} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`. A callback may be another in each rendering;
 *   another text follows the job by that.
 * @returns {JobState<Result>}
 */
export function useJob<Result = any>(token: string | null | undefined, { grant }?: {
    grant?: GrantSource;
}): JobState<Result>;
/**
 * Follows all jobs with a tag, and renders again whenever one is submitted or changes.
 *
 * @template [Result=any] What the jobs return.
 * @param {string | null | undefined} tag None: there is no tag yet.
 * @param {JobsOptions} [options] A callback for `grant` may be another in each rendering.
 * @returns {JobsState<Result>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs<Result = any>(tag: string | null | undefined, { grant, owner, since, limit }?: JobsOptions): JobsState<Result>;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused, and stays the same function. While one has not been
 * accepted, another call is the same submission.
 *
 * @template [Result=any] What the jobs return.
 * @template {object} [Input=object]
 * @param {string} kind
 * @returns {JobState<Result> & {submit: (input: Input, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit<Result = any, Input extends object = object>(kind: string): JobState<Result> & {
    submit: (input: Input, options?: SubmitOptions) => Promise<string | null>;
};
export type JobState<Result = any> = import("./frameworks/job-view.js").JobState<Result>;
export type JobsState<Result = any> = import("./frameworks/jobs-view.js").JobsState<Result>;
export type TaggedJob<Result = any> = import("./frameworks/jobs-view.js").TaggedJob<Result>;
import type { Tidings } from "./tidings.js";
import type { Options } from "./tidings.js";
import type { ReactNode } from "react";
import { ClientSource } from "./frameworks/client-source.js";
import type { GrantSource } from "./client/jobs/grants.js";
import type { JobsOptions } from "./frameworks/jobs-view.js";
import type { SubmitOptions } from "./tidings.js";
