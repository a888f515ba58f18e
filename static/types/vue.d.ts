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
 * @param {MaybeRefOrGetter<string | null | undefined>} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<ShallowRef<JobState>>}
 */
export function useJob(token: MaybeRefOrGetter<string | null | undefined>, { grant }?: {
    grant?: GrantSource;
}): Readonly<ShallowRef<JobState>>;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @param {string} kind
 * @returns {{
 *   job: Readonly<ShallowRef<JobState>>,
 *   submit: (input: object, options?: SubmitOptions) => Promise<string | null>,
 * }}
 */
export function useSubmit(kind: string): {
    job: Readonly<ShallowRef<JobState>>;
    submit: (input: object, options?: SubmitOptions) => Promise<string | null>;
};
import type { ClientChoice } from "./frameworks/client-source.js";
import type { App } from "vue";
import type { Tidings } from "./tidings.js";
import type { MaybeRefOrGetter } from "vue";
import type { GrantSource } from "./client/grants.js";
import type { JobState } from "./frameworks/job-view.js";
import type { ShallowRef } from "vue";
import type { SubmitOptions } from "./tidings.js";
