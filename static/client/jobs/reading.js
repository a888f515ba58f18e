// @ts-check
/** Reading one stream of a job, chunk after chunk as it comes. */

/** @import { HeldStream } from "./streams.js" */
import { TidingsError, localProblem } from "../error.js";
import { ChunkPosition } from "./streams.js";

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
export class ChunkStream extends ReadableStream {
  /**
   * Not for you: it comes from `Job.stream`.
   *
   * @param {string} name
   * @param {HeldStream} held
   * @param {StreamSource} source
   * @param {number} from
   */
  constructor(name, held, source, from) {
    const position = new ChunkPosition(Math.max(from, held.first));
    held.readers.add(position);
    super({
      async pull(controller) {
        for (;;) {
          if (position.voided) {
            held.readers.delete(position);
            return controller.error(resetError(name, held.attempt, position.index));
          }
          if (position.index < held.count) {
            controller.enqueue(held.chunks[position.index - held.first]);
            position.index += 1;
            return;
          }
          const { over, error } = source.state();
          if (over) {
            held.readers.delete(position);
            if (error) return controller.error(error);
            if (held.inDoubt) return controller.error(new TidingsError(localProblem("stream_in_doubt", DOUBT)));
            if (position.index > held.count) return controller.error(indexError(name, position.index, held.count));
            return controller.close();
          }
          await source.news();
        }
      },
      cancel() {
        held.readers.delete(position);
      },
    }, { highWaterMark: 0 });
  }

  /** @returns {AsyncIterableIterator<any>} */
  // @ts-ignore - what a ReadableStream has where it can be iterated over, and as that
  async *[Symbol.asyncIterator]() {
    const reader = this.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
      reader.releaseLock();
    }
  }
}

const DOUBT = "the job has ended, and chunks of this stream may be missing: a server of an earlier release answered";

/**
 * @param {string} name
 * @param {number} attempt
 * @param {number} keep
 */
function resetError(name, attempt, keep) {
  const detail = `attempt ${attempt} starts the stream ${JSON.stringify(name)} again: ${keep} of the chunks that were read stay`;
  return new TidingsError({ ...localProblem("stream_reset", detail), stream: name, attempt, keep });
}

/**
 * @param {string} name
 * @param {number} from
 * @param {number} count
 */
function indexError(name, from, count) {
  const detail = `the job has ended, and the stream ${JSON.stringify(name)} has ${count} chunks: \`from\` is 0 to ${count}, not ${from}`;
  return new TidingsError({ ...localProblem("invalid_frame", detail), field: "/from" });
}
