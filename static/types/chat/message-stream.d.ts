/**
 * @param {Job} job
 * @param {AbortSignal} [signal] Ends the reading; the job goes on.
 * @returns {ReadableStream<Part>}
 */
export function messageStream(job: Job, signal?: AbortSignal): ReadableStream<Part>;
/** The stream of a job that holds the parts of its message. */
export const UI_STREAM: "ui";
import type { Job } from "../client/job.js";
import type { Part } from "./message-replay.js";
