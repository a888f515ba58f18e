/**
 * @typedef {object} StreamSource What a reader needs of the job.
 * @property {() => {over: boolean, error: TidingsError | null}} state Whether anything more comes; why the job is followed no
 *   longer.
 * @property {() => Promise<void>} news Resolves when something of the job has changed.
 */
/**
 * The chunks of one stream: a `ReadableStream`, also where the browser's cannot be iterated over.
 *
 * It ends with the job, however that ends. When a later attempt starts again, and some of what was read is void, it ends with
 * a TidingsError of code `stream_reset`, whose `problem` has `keep`, the number of chunks that stay.
 *
 * @extends {ReadableStream<any>}
 * @implements {AsyncIterable<any>}
 */
export class ChunkStream extends ReadableStream<any> implements AsyncIterable<any> {
    /**
     * Not for you: it comes from `Job.stream`.
     *
     * @param {string} name
     * @param {HeldStream} held
     * @param {StreamSource} source
     * @param {number} from
     */
    constructor(name: string, held: HeldStream, source: StreamSource, from: number);
    /** @returns {AsyncIterableIterator<any>} */
    [Symbol.asyncIterator](): AsyncIterableIterator<any>;
}
/**
 * What a reader needs of the job.
 */
export type StreamSource = {
    /**
     * Whether anything more comes; why the job is followed no
     * longer.
     */
    state: () => {
        over: boolean;
        error: TidingsError | null;
    };
    /**
     * Resolves when something of the job has changed.
     */
    news: () => Promise<void>;
};
import type { HeldStream } from "./streams.js";
import { TidingsError } from "../error.js";
