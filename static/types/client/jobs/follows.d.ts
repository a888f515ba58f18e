/**
 * @typedef {object} SeenJob
 * @property {TrackedJob | null} tracked Null: it has ended, or is followed no longer.
 * @property {number} shown The number of its snapshot.
 * @property {boolean} changed The snapshot is not the newest any more.
 * @property {boolean} begun The page has taken it.
 * @property {number} end The number of its end; infinite: it has not ended.
 */
export class Follows {
    /** @param {FollowAsking} asking */
    constructor(asking: FollowAsking);
    /** Whether no tag is followed. */
    get idle(): boolean;
    /** @param {string} name Whether a tag is followed. */
    has(name: string): boolean;
    /** @param {string} token Whether a tag that is followed brings the events of a job. */
    brings(token: string): boolean;
    /** @param {TrackedFollow} entry */
    add(entry: TrackedFollow): void;
    /**
     * Stops following for one of them, and at the server if it was the last; its jobs go on.
     *
     * @param {TrackedFollow} entry
     * @param {Problem} [problem] Why, if the page did not ask for it.
     */
    remove(entry: TrackedFollow, problem?: Problem): void;
    /**
     * Asks for the jobs with a tag.
     *
     * @param {string} name
     * @param {number} [tries] Refusals so far of the kind that passes.
     */
    start(name: string, tries?: number): void;
    /** Asks again for all that are followed, on another connection. */
    resume(): void;
    /** The connection is gone: snapshots that no job has begun with are not the newest any more. */
    interrupt(): void;
    /** @param {EventFrame} event */
    event({ token, seq, at }: EventFrame): void;
    /** @param {Snapshot} snapshot One without a `ref`. */
    snapshot(snapshot: Snapshot): void;
    /**
     * The grant of a tag is about to run out.
     *
     * @param {string} name
     * @param {Problem} problem
     */
    expiring(name: string, problem: Problem): void;
    /**
     * A tag is followed no longer.
     *
     * @param {string} name
     * @param {Problem} problem
     */
    end(name: string, problem: Problem): void;
    /** @param {Problem} problem Why nothing will be heard of any tag again. */
    endAll(problem: Problem): void;
    #private;
}
export type TrackedFollow = {
    follow: Follow;
    inlet: FollowInlet;
    owner?: string | undefined;
    /**
     * Jobs that ended before are none of its own (RFC 3339); undefined: the server has not answered.
     */
    since?: string | undefined;
};
export type FollowAsking = {
    /**
     * Returns false if it has to wait: `start` is called then.
     */
    follow: (tag: string, fields: {
        owner?: string;
        since?: string;
    }, outcome: {
        answered: (frame: Following) => void;
        refused: (problem: Problem) => void;
    }) => boolean;
    unfollow: (tag: string) => void;
    /**
     * Calls `again` after back-off, if there
     * is still a connection then.
     */
    later: (again: () => void, tries: number, problem: Problem) => void;
    /**
     * Makes the
     * `Job` of a snapshot. `begin` has its events come; `changed`: the snapshot is not the newest any more.
     */
    open: (tag: string, snapshot: Snapshot) => {
        tracked: TrackedJob;
        begin: (changed: boolean) => void;
    };
    /**
     * A job goes on without its tag.
     */
    release: (tracked: TrackedJob) => void;
};
export type SeenJob = {
    /**
     * Null: it has ended, or is followed no longer.
     */
    tracked: TrackedJob | null;
    /**
     * The number of its snapshot.
     */
    shown: number;
    /**
     * The snapshot is not the newest any more.
     */
    changed: boolean;
    /**
     * The page has taken it.
     */
    begun: boolean;
    /**
     * The number of its end; infinite: it has not ended.
     */
    end: number;
};
import type { Problem } from "../frame.js";
import type { EventFrame } from "../frame.js";
import type { Snapshot } from "../frame.js";
import type { Follow } from "./follow.js";
import type { FollowInlet } from "./follow.js";
import type { Following } from "../frame.js";
import type { TrackedJob } from "./watches.js";
