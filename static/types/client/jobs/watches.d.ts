/**
 * @typedef {{job: Job, inlet: Inlet}} TrackedJob
 *
 * @typedef {object} Asking
 * @property {(token: string, after: number, refused: (problem: Problem) => void) => void} watch
 * @property {(token: string) => void} unwatch
 * @property {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after
 *   back-off, if there is still a connection then.
 * @property {() => void} resumed All that was followed when the socket opened has its snapshot.
 */
export class Watches {
    /** @param {Asking} asking */
    constructor(asking: Asking);
    /** @param {string} token Whether a job is followed. */
    has(token: string): boolean;
    /** Whether no job is followed. */
    get idle(): boolean;
    /**
     * @param {string} token
     * @param {TrackedJob} entry
     */
    add(token: string, entry: TrackedJob): void;
    /**
     * Stops following for one of them, and at the server if it was the last.
     *
     * @param {string} token
     * @param {TrackedJob} entry
     */
    remove(token: string, entry: TrackedJob): void;
    /**
     * Adds a job that the server watches already, because its tag is followed.
     *
     * @param {string} token
     * @param {TrackedJob} entry
     */
    addFound(token: string, entry: TrackedJob): void;
    /**
     * Asks for a job that the server watches because of a tag which will be followed no longer.
     *
     * @param {string} token
     */
    release(token: string): void;
    /**
     * Asks for a job's events.
     *
     * @param {string} token
     * @param {number} [tries] Refusals so far of the kind that passes.
     */
    start(token: string, tries?: number): void;
    /** A socket is greeted. Returns whether there is something to resume. */
    prepare(): boolean;
    /** Asks again for everything that is followed. */
    resume(): void;
    /** The socket is gone: nothing counts until the snapshot that the next one brings. */
    interrupt(): void;
    /** @param {EventFrame} event */
    event(event: EventFrame): void;
    /** @param {Snapshot} snapshot */
    snapshot(snapshot: Snapshot): void;
    /**
     * The grant of a job is about to run out.
     *
     * @param {string} token
     * @param {Problem} problem
     */
    expiring(token: string, problem: Problem): void;
    /**
     * A job is not known any more.
     *
     * @param {string} token
     * @param {Problem} problem
     */
    vanished(token: string, problem: Problem): void;
    /**
     * Nothing will be heard of any job again.
     *
     * @param {Problem} problem
     */
    end(problem: Problem): void;
    #private;
}
export type TrackedJob = {
    job: Job;
    inlet: Inlet;
};
export type Asking = {
    watch: (token: string, after: number, refused: (problem: Problem) => void) => void;
    unwatch: (token: string) => void;
    /**
     * Calls `again` after
     * back-off, if there is still a connection then.
     */
    later: (again: () => void, tries: number, problem: Problem) => void;
    /**
     * All that was followed when the socket opened has its snapshot.
     */
    resumed: () => void;
};
import type { EventFrame } from "../frame.js";
import type { Snapshot } from "../frame.js";
import type { Problem } from "../frame.js";
import type { Job } from "./job.js";
import type { Inlet } from "./events.js";
