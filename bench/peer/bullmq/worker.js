// `node worker.js`: does the jobs, and has BullMQ tell of them.

import { Worker } from 'bullmq'

import { connection, QUEUE, SLOTS, STEPS } from './queue.js'

async function work(job) {
  const steps = STEPS[job.name]
  for (let done = 1; done <= steps; done += 1) await job.updateProgress({ fraction: done / steps })
  return { steps }
}

const worker = new Worker(QUEUE, work, { connection, concurrency: SLOTS })
worker.on('error', (error) => console.error(error))
process.on('SIGTERM', () => process.exit(0))
