/**
 * What is known of a job.
 *
 * @template [Result=any]
 * @typedef {object} JobState
 * @property {string | null} token Null: there is none yet.
 * @property {string | null} status Null: not known yet.
 * @property {Progress | null} progress The newest; null if there was none.
 * @property {Result | undefined} result What it returned, once it has.
 * @property {TidingsError | null} error Why there is no result, once there will be none.
 */
/** @type {JobState} */
export const UNKNOWN: JobState;
/** @extends {View<JobState>} */
export class JobView extends View<JobState<any>> {
    /**
     * @param {() => Job | null} follow Begins to follow the job; null: there is none yet.
     * @param {string | null} [token]
     */
    constructor(follow: () => Job | null, token?: string | null);
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
export type JobState<Result = any> = {
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
    result: Result | undefined;
    /**
     * Why there is no result, once there will be none.
     */
    error: TidingsError | null;
};
import { View } from "./view.js";
import type { Job } from "../client/jobs/job.js";
import type { Progress } from "../client/frame.js";
import type { TidingsError } from "../client/error.js";
