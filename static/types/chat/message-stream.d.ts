/**
 * @param {Job} job
 * @param {AbortSignal} [signal] Ends the reading; the job goes on.
 * @param {boolean} [resumes] Whether the reader begins with an empty message, also where the job's goes on with an earlier one.
 * @returns {ReadableStream<Part>}
 */
export function messageStream(job: Job, signal?: AbortSignal, resumes?: boolean): ReadableStream<Part>;
/** The stream of a job that holds the parts of its message. */
export const UI_STREAM: "ui";
import type { Job } from "../client/jobs/job.js";
import type { Part } from "./message-replay.js";
