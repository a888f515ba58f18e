/**
 * What a listener of each name is given.
 */
export type JobEvents = {
    /**
     * The server has it, durably.
     */
    ack: Ack;
    /**
     * Every event of the contract, of any name.
     */
    event: JobEvent;
    queued: JobEvent;
    started: JobEvent;
    /**
     * `data` is {fraction, message, data}. Some may be skipped: the newest wins.
     */
    progress: JobEvent;
    /**
     * `data` is the chunk. Never skipped.
     */
    log: JobEvent;
    /**
     * A saga's step moved on: `data` is {path, name, type, status, …}.
     */
    step: JobEvent;
    /**
     * A chunk of a stream: `data` is {stream, index, attempt, data}. Never skipped.
     */
    chunk: JobEvent;
    /**
     * Several that were said together: `data.data` has them.
     */
    chunks: JobEvent;
    /**
     * A later attempt starts a stream again: `data` is {stream, attempt, keep}.
     */
    reset: JobEvent;
    /**
     * A stream has changed, by such an event or a snapshot: `text` and
     * `chunks` have it as it is.
     */
    stream: {
        stream: string;
        attempt: number;
    };
    retrying: JobEvent;
    waiting: JobEvent;
    succeeded: JobEvent;
    failed: JobEvent;
    cancelled: JobEvent;
    expired: JobEvent;
    /**
     * Any of the last four.
     */
    finished: JobEvent;
    /**
     * Its state changed.
     */
    state: {
        status: string;
        previous: string | null;
    };
    /**
     * The server's snapshot, before the events that the client makes from it.
     */
    snapshot: Snapshot;
    /**
     * The grant by which it is followed is about to run out, and there is no callback
     * for a fresh one: `watch` it again with one.
     */
    expiring: {
        problem: Problem;
    };
    /**
     * There will be no events: not accepted, or no longer followed.
     */
    refused: {
        problem: Problem;
    };
};
/**
 * What a job needs of its connection.
 */
export type Link = {
    cancel: () => Promise<void>;
    signal: (name: string, input: any, key?: string) => Promise<void>;
    unwatch: () => void;
    /**
     * Asks for a snapshot, because something was lost on the way.
     */
    again: () => void;
};
/**
 * What listeners of a job are given, and how a job and the connection reach each other, as types. Nothing here runs.
 */
export type Inlet = {
    acked: (ack: Ack) => void;
    event: (event: JobEvent) => void;
    snapshot: (snapshot: Snapshot) => void;
    /**
     * It begins with a snapshot that was sent because of its tag.
     */
    found: (snapshot: Snapshot) => void;
    expiring: (problem: Problem) => void;
    refused: (problem: Problem) => void;
    /**
     * The number after which it wants to go on.
     */
    after: () => number;
    /**
     * The socket broke; a snapshot will follow.
     */
    interrupted: () => void;
};
import type { Ack } from "../frame.js";
import type { JobEvent } from "../frame.js";
import type { Snapshot } from "../frame.js";
import type { Problem } from "../frame.js";
