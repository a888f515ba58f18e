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
 * @param {string | null | undefined | (() => string | null | undefined)} token None: there is no job yet. A function where
 *   it may change: `() => token`.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<JobState>}
 */
export function useJob(token: string | null | undefined | (() => string | null | undefined), { grant }?: {
    grant?: GrantSource;
}): Readonly<JobState>;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @param {string} kind
 * @returns {Readonly<JobState> & {submit: (input: object, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind: string): Readonly<JobState> & {
    submit: (input: object, options?: SubmitOptions) => Promise<string | null>;
};
import type { ClientChoice } from "./frameworks/client-source.js";
import type { Tidings } from "./tidings.js";
import type { GrantSource } from "./client/grants.js";
import type { JobState } from "./frameworks/job-view.js";
import type { SubmitOptions } from "./tidings.js";
