// `node worker.js`: does the jobs, and has BullMQ tell of them.

import { setTimeout as sleep } from "node:timers/promises";

import { Worker } from "bullmq";

import { connection, KINDS, QUEUE, SLOTS } from "./queue.js";

async function work(job) {
  const { steps, pauseMs } = KINDS[job.name];
  for (let done = 1; done <= steps; done += 1) {
    if (pauseMs) await sleep(pauseMs);
    await job.updateProgress({ fraction: done / steps });
  }
  return { steps };
}

const worker = new Worker(QUEUE, work, { connection, concurrency: SLOTS });
worker.on("error", (error) => console.error(error));
process.on("SIGTERM", () => process.exit(0));
