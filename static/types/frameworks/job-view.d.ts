/**
 * One job as a component shows it: its newest state, and who is to hear of the next.
 *
 * It follows the job while a component listens. Frameworks take a component down and put it up again at once (React in
 * strict mode, hot reloads): what stops listening is waited for, so that the watch stays.
 */
/** @import { Progress } from "../client/frame.js" */
/** @import { TidingsError } from "../client/error.js" */
/** @import { Job } from "../client/job.js" */
/**
 * @typedef {object} JobState What is known of a job.
 * @property {string | null} token Null: there is none yet.
 * @property {string | null} status Null: not known yet.
 * @property {Progress | null} progress The newest; null if there was none.
 * @property {any} result What it returned, once it has.
 * @property {TidingsError | null} error Why there is no result, once there will be none.
 */
/** @type {JobState} */
export const UNKNOWN: JobState;
export class JobView {
    /**
     * @param {() => Job | null} follow Begins to follow the job; null: there is none yet.
     * @param {string | null} [token]
     */
    constructor(follow: () => Job | null, token?: string | null);
    /** The newest state: another object whenever it has changed. */
    get seen(): JobState;
    /**
     * @param {() => void} listener Called whenever the state has changed.
     * @returns {() => void} Call it to hear no more.
     */
    subscribe(listener: () => void): () => void;
    /** Whether nothing more comes. */
    get ended(): boolean;
    /**
     * Shows a job from now on, in place of the one before.
     *
     * @param {Job | null} job
     */
    show(job: Job | null): void;
    #private;
}
/**
 * What is known of a job.
 */
export type JobState = {
    /**
     * Null: there is none yet.
     */
    token: string | null;
    /**
     * Null: not known yet.
     */
    status: string | null;
    /**
     * The newest; null if there was none.
     */
    progress: Progress | null;
    /**
     * What it returned, once it has.
     */
    result: any;
    /**
     * Why there is no result, once there will be none.
     */
    error: TidingsError | null;
};
import type { Job } from "../client/job.js";
import type { Progress } from "../client/frame.js";
import type { TidingsError } from "../client/error.js";
