/**
 * @typedef {object} FollowEvents What a listener of each name is given.
 * @property {Job} job A job with the tag: one that lived when it was followed, or one that was submitted since.
 * @property {Following} following The server has answered: `jobs` is how many there are by now.
 * @property {{problem: Problem}} expiring The grant is about to run out, and there is no callback for a fresh one.
 * @property {{problem: Problem}} refused No more jobs will come; those that came go on.
 *
 * @typedef {object} FoundJob
 * @property {Job} job
 * @property {() => void} begin Has its events come; only the first call counts.
 *
 * @typedef {object} FollowInlet
 * @property {(found: FoundJob) => void} found
 * @property {(frame: Following) => void} following
 * @property {(problem: Problem) => void} expiring
 * @property {(problem: Problem) => void} refused
 *
 * @typedef {object} FollowLink What it needs of its connection.
 * @property {() => void} close
 * @property {(callback: () => void) => void} soon Calls after what runs now, and what awaits that, has run.
 */
/**
 * All jobs with one tag. It comes from `follow`; `for await` gives each job once.
 *
 * @implements {AsyncIterable<Job>}
 */
export class Follow implements AsyncIterable<Job> {
    /**
     * Returns a follow, and the inlet that stays with its maker.
     *
     * @param {string} tag
     * @returns {{follow: Follow, inlet: FollowInlet, bind: (link: FollowLink) => void}}
     */
    static open(tag: string): {
        follow: Follow;
        inlet: FollowInlet;
        bind: (link: FollowLink) => void;
    };
    /**
     * Not for you: it comes from `follow`.
     *
     * @param {string} tag
     */
    constructor(tag: string);
    /** @readonly The tag. */
    readonly tag: string;
    /** Whether no more jobs will come: it was closed or refused. */
    get finished(): boolean;
    /**
     * Calls `listener` at each event of that name, until the function returned is called.
     *
     * @template {keyof FollowEvents} Name
     * @param {Name} name
     * @param {(event: FollowEvents[Name]) => void} listener
     * @returns {() => void}
     */
    on<Name extends keyof FollowEvents>(name: Name, listener: (event: FollowEvents[Name]) => void): () => void;
    /** Follows the tag no longer; the jobs that came by it are followed still. */
    close(): void;
    /** All jobs from now on, and those that wait. After a refusal it throws a TidingsError. */
    [Symbol.asyncIterator](): AsyncGenerator<Job, void, any>;
    #private;
}
/**
 * What a listener of each name is given.
 */
export type FollowEvents = {
    /**
     * A job with the tag: one that lived when it was followed, or one that was submitted since.
     */
    job: Job;
    /**
     * The server has answered: `jobs` is how many there are by now.
     */
    following: Following;
    /**
     * The grant is about to run out, and there is no callback for a fresh one.
     */
    expiring: {
        problem: Problem;
    };
    /**
     * No more jobs will come; those that came go on.
     */
    refused: {
        problem: Problem;
    };
};
export type FoundJob = {
    job: Job;
    /**
     * Has its events come; only the first call counts.
     */
    begin: () => void;
};
export type FollowInlet = {
    found: (found: FoundJob) => void;
    following: (frame: Following) => void;
    expiring: (problem: Problem) => void;
    refused: (problem: Problem) => void;
};
/**
 * What it needs of its connection.
 */
export type FollowLink = {
    close: () => void;
    /**
     * Calls after what runs now, and what awaits that, has run.
     */
    soon: (callback: () => void) => void;
};
import type { Job } from "./job.js";
import type { Following } from "../frame.js";
import type { Problem } from "../frame.js";
