/**
 * @param {string} name
 * @returns {string} The same.
 * @throws {RangeError} No stream may be called that.
 */
export function requireStreamName(name: string): string;
/**
 * @param {number} from
 * @returns {number} The same.
 * @throws {RangeError} It is no index of a chunk.
 */
export function requireChunkIndex(from: number): number;
/** How far one reader has come in a stream. */
export class ChunkPosition {
    /** @param {number} index Of the next chunk. */
    constructor(index: number);
    /** Chunks that it has read are void, which it does not know yet. */
    voided: boolean;
    index: number;
    /** Only the first chunks stay. @param {number} count */
    goBack(count: number): void;
}
/** One stream. */
export class HeldStream {
    /** The index of the first chunk held: above 0 where the job is watched after an event. */
    first: number;
    /** @type {any[]} */
    chunks: any[];
    /** Chunks may be missing. */
    inDoubt: boolean;
    /** The attempt that says it, as last heard; 0: none has been heard of. */
    attempt: number;
    /** @type {Set<ChunkPosition>} */
    readers: Set<ChunkPosition>;
    /** The index of the next chunk. */
    get count(): number;
    /**
     * The chunks joined.
     *
     * @throws {TypeError} They are not all text.
     */
    get text(): string;
    /**
     * Takes chunks that an event brings.
     *
     * @param {number} index
     * @param {number} attempt
     * @param {any[]} chunks
     * @returns {boolean} Whether they leave a hole, which was not there before.
     */
    add(index: number, attempt: number, chunks: any[]): boolean;
    /**
     * Keeps the first chunks, up to an index, and drops the others.
     *
     * @param {number} count
     * @param {number} attempt
     * @returns {boolean} Whether more are to be kept than there are, which was not known before.
     */
    keep(count: number, attempt: number): boolean;
    /**
     * Takes what a snapshot has: the chunks from an index on. What it repeats of those that are held stays as it is.
     *
     * @param {number} from
     * @param {number} attempt
     * @param {any[]} chunks
     */
    replaceFrom(from: number, attempt: number, chunks: any[]): undefined;
    #private;
}
/** The streams of one job. */
export class HeldStreams {
    /** @param {string} name @returns {HeldStream} One that the job has not written has no chunks. */
    get(name: string): HeldStream;
    /** Whether chunks of some stream may be missing. */
    get inDoubt(): boolean;
    /**
     * @param {JobEvent} event A `chunk`, `chunks` or `reset`.
     * @returns {boolean} Whether something was lost on the way, which was not known before.
     */
    event({ event, data }: JobEvent): boolean;
    /**
     * Takes the streams of a snapshot; one without them is of a job that has none, or of a server that knows none.
     *
     * @param {Snapshot["streams"]} streams
     * @returns {string[]} The names of those that have changed.
     */
    snapshot(streams: Snapshot["streams"]): string[];
    #private;
}
import type { JobEvent } from "../frame.js";
import type { Snapshot } from "../frame.js";
