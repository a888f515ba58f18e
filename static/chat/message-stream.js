// @ts-check
/** A job's message as the AI SDK reads it: parts that come once, and what is void taken back where the SDK can. */

/** @import { Job } from "../client/jobs/job.js" */
/** @import { TidingsError } from "../client/error.js" */
/** @import { Part } from "./message-replay.js" */
import { MessageReplay } from "./message-replay.js";

/** The stream of a job that holds the parts of its message. */
export const UI_STREAM = "ui";

/**
 * @param {Job} job
 * @param {AbortSignal} [signal] Ends the reading; the job goes on.
 * @param {boolean} [resumes] Whether the reader begins with an empty message, also where the job's goes on with an earlier one.
 * @returns {ReadableStream<Part>}
 */
export function messageStream(job, signal, resumes = false) {
  const parts = partsOf(job, resumes);
  let over = false;
  const leave = () => {
    over = true;
    job.unwatch();
  };
  return new ReadableStream({
    start(controller) {
      const abort = () => {
        if (over) return;
        leave();
        controller.error(signal?.reason ?? new DOMException("aborted", "AbortError"));
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    },
    async pull(controller) {
      try {
        const { done, value } = await parts.next();
        if (over) return;
        if (!done) return controller.enqueue(value);
        over = true;
        controller.close();
      } catch (error) {
        if (over) return;
        leave();
        controller.error(error);
      }
    },
    cancel: leave,
  });
}

/** @param {Job} job @param {boolean} resumes @returns {AsyncGenerator<Part, void>} */
async function* partsOf(job, resumes) {
  const replay = new MessageReplay(resumes ? job.token : null);
  for (let from = 0, over = false; !over; ) {
    try {
      for await (const part of job.stream(UI_STREAM, { from })) {
        yield* replay.take(part);
        if (replay.lacksEarlier) return job.unwatch();
      }
      over = true;
    } catch (error) {
      const { code, problem } = /** @type {TidingsError} */ (error);
      if (code !== "stream_reset") throw error;
      from = /** @type {number} */ (problem.keep);
      yield* replay.goBack(from);
    }
  }
  yield* await endOf(job, replay);
}

/**
 * The parts that follow from how the job has ended.
 *
 * @param {Job} job
 * @param {MessageReplay} replay
 * @returns {Promise<Part[]>}
 */
async function endOf(job, replay) {
  try {
    await job.result;
  } catch (error) {
    const { code, problem } = /** @type {TidingsError} */ (error);
    if (job.status === "cancelled") return [{ type: "abort", reason: "cancelled" }];
    if (code === "unwatched" || code === "closed") throw error;
    return [{ type: "error", errorText: problem.detail }];
  }
  replay.requireWhole();
  /** @type {Part[]} */
  const start = replay.begun ? [] : [{ type: "start", messageId: job.token ?? undefined }];
  return replay.finished ? start : [...start, { type: "finish" }];
}
