/**
 * One job, as its owner sees it. It comes from `submit` and `watch`; `for await` gives its events.
 *
 * @implements {AsyncIterable<JobEvent>}
 */
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
     * The text of a stream so far, right after a reset too: at each moment the beginning of what one attempt said.
     *
     * @param {string} [name] Default: what a generator yields.
     * @returns {string}
     * @throws {TypeError} Its chunks are not all text.
     * @throws {RangeError} No stream may be called that.
     */
    text(name?: string): string;
    /** The chunks of a stream so far, as `text`. @param {string} [name] @returns {any[]} */
    chunks(name?: string): any[];
    /**
     * A stream, chunk after chunk, to the end of the job: a `ReadableStream`, and an async iterable.
     *
     * @param {string} [name] Default: what a generator yields.
     * @param {{from?: number}} [options] `from`: the index of the first chunk wanted; default 0.
     * @returns {ChunkStream} It fails with the code `stream_reset` when a later attempt starts again, and chunks that were read
     *   are void: go on with `from` as `error.problem.keep` has it. With `invalid_frame`, when the job ends and has not as many.
     * @throws {RangeError} No stream may be called that, or `from` is no index.
     */
    stream(name?: string, { from }?: {
        from?: number;
    }): ChunkStream;
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
import type { JobEvent } from "../frame.js";
import type { IssuedGrant } from "../frame.js";
import type { Progress } from "../frame.js";
import { ChunkStream } from "./reading.js";
import type { JobEvents } from "./events.js";
import type { Inlet } from "./events.js";
import type { Link } from "./events.js";
import type { Problem } from "../frame.js";
