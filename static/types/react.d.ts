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
 * @param {string | null | undefined} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`; a callback may be another in each rendering.
 * @returns {JobState}
 */
export function useJob(token: string | null | undefined, { grant }?: {
    grant?: GrantSource;
}): JobState;
/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused, and stays the same function. While one has not been
 * accepted, another call is the same submission.
 *
 * @param {string} kind
 * @returns {JobState & {submit: (input: object, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind: string): JobState & {
    submit: (input: object, options?: SubmitOptions) => Promise<string | null>;
};
import type { Tidings } from "./tidings.js";
import type { Options } from "./tidings.js";
import type { ReactNode } from "react";
import { ClientSource } from "./frameworks/client-source.js";
import type { GrantSource } from "./client/grants.js";
import type { JobState } from "./frameworks/job-view.js";
import type { SubmitOptions } from "./tidings.js";
