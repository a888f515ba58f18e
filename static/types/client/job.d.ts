/**
 * @typedef {object} JobEvents What a listener of each name is given.
 * @property {Ack} ack The server has it, durably.
 * @property {JobEvent} event Every event of the contract, of any name.
 * @property {JobEvent} queued
 * @property {JobEvent} started
 * @property {JobEvent} progress `data` is {fraction, message, data}. Some may be skipped: the newest wins.
 * @property {JobEvent} log `data` is the chunk. Never skipped.
 * @property {JobEvent} step A saga's step moved on: `data` is {path, name, type, status, …}.
 * @property {JobEvent} retrying
 * @property {JobEvent} waiting
 * @property {JobEvent} succeeded
 * @property {JobEvent} failed
 * @property {JobEvent} cancelled
 * @property {JobEvent} expired
 * @property {JobEvent} finished Any of the last four.
 * @property {{status: string, previous: string | null}} state Its state changed.
 * @property {Snapshot} snapshot The server's snapshot, before the events that the client makes from it.
 * @property {{problem: Problem}} expiring The grant by which it is followed is about to run out, and there is no callback
 *   for a fresh one: `watch` it again with one.
 * @property {{problem: Problem}} refused There will be no events: not accepted, or no longer followed.
 *
 * @typedef {object} Link What a job needs of its connection.
 * @property {() => Promise<void>} cancel
 * @property {(name: string, input: any, key?: string) => Promise<void>} signal
 * @property {() => void} unwatch
 *
 * @typedef {object} Inlet
 * @property {(ack: Ack) => void} acked
 * @property {(event: JobEvent) => void} event
 * @property {(snapshot: Snapshot) => void} snapshot
 * @property {(snapshot: Snapshot) => void} found It begins with a snapshot that was sent because of its tag.
 * @property {(problem: Problem) => void} expiring
 * @property {(problem: Problem) => void} refused
 * @property {() => void} interrupted The socket broke; a snapshot will follow.
 */
/** @implements {AsyncIterable<JobEvent>} */
export class Job implements AsyncIterable<JobEvent> {
    /**
     * Returns a job, and the inlet that stays with its maker.
     *
     * @param {{token?: string, after?: number, key?: string | null}} from
     * @returns {{job: Job, inlet: Inlet, bind: (link: Link) => void}}
     */
    static open(from: {
        token?: string;
        after?: number;
        key?: string | null;
    }): {
        job: Job;
        inlet: Inlet;
        bind: (link: Link) => void;
    };
    /**
     * Not for you: jobs come from `submit` and `watch`.
     *
     * @param {{token?: string, after?: number, key?: string | null}} from
     */
    constructor({ token, after, key }: {
        token?: string;
        after?: number;
        key?: string | null;
    });
    /** @readonly The idempotency key; null for a job that is only watched. */
    readonly key: string | null;
    /** The job's name for clients; null until the ack. */
    get token(): string | null;
    /** The grant that the submission asked for: `{grant, may, expires_at}`; null: none. */
    get grant(): IssuedGrant | null;
    /** The job's state; null until it is known. */
    get status(): string | null;
    /** The newest progress; null if there was none. */
    get progress(): Progress | null;
    /** The number of the newest event seen: what `watch` takes as `after`. */
    get seq(): number;
    /** Whether nothing more will come: an outcome, a refusal, or no longer followed. */
    get finished(): boolean;
    /** Resolves to the token; rejects with a TidingsError if the job is not accepted. */
    get accepted(): Promise<string>;
    /** Resolves to what the job returned; rejects with a TidingsError for any other end. */
    get result(): Promise<any>;
    /**
     * Calls `listener` at each event of that name, until the function returned is called.
     *
     * @template {keyof JobEvents} Name
     * @param {Name} name
     * @param {(event: JobEvents[Name]) => void} listener
     * @returns {() => void}
     */
    on<Name extends keyof JobEvents>(name: Name, listener: (event: JobEvents[Name]) => void): () => void;
    /**
     * Asks that the job stop. Resolves when the server has taken note; how it ends comes as an event.
     *
     * @param {{signal?: AbortSignal}} [options] `signal`: waits for the answer no longer when it aborts.
     * @returns {Promise<void>} Rejects with a TidingsError: `already_finished`, `aborted`, or what the server says.
     */
    cancel({ signal }?: {
        signal?: AbortSignal;
    }): Promise<void>;
    /**
     * Gives a saga a signal. Resolves when the server has it, durably; the saga may come to wait for it later.
     *
     * @param {string} name What the saga waits for: 1 to 128 letters, digits, `_`, `.` and `-`.
     * @param {any} [value] What it says, as JSON at most 64 KiB; default null.
     * @param {{key?: string, signal?: AbortSignal}} [options] `key`: signals of one name with the same key are the same
     *   signal; default: a new one. `signal`: waits for the answer no longer when it aborts.
     * @returns {Promise<void>} Rejects with a TidingsError: `already_finished`, `aborted`, or what the server says.
     */
    signal(name: string, value?: any, { key, signal }?: {
        key?: string;
        signal?: AbortSignal;
    }): Promise<void>;
    /** Stops following; the job itself goes on. Its promises and iterators end with code `unwatched`. */
    unwatch(): void;
    /** The same: stops following. */
    close(): void;
    /**
     * All events from now to the terminal one, none skipped however slow the reader. Those before:
     * `watch(token)` asks for the log again.
     *
     * @returns {AsyncGenerator<JobEvent, void>}
     */
    [Symbol.asyncIterator](): AsyncGenerator<JobEvent, void>;
    #private;
}
export const UNWATCHED: Problem;
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
};
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
     * The socket broke; a snapshot will follow.
     */
    interrupted: () => void;
};
import type { JobEvent } from "./frame.js";
import type { IssuedGrant } from "./frame.js";
import type { Progress } from "./frame.js";
import type { Problem } from "./frame.js";
import type { Ack } from "./frame.js";
import type { Snapshot } from "./frame.js";
