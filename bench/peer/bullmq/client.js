// `node client.js drain|enqueue COUNT`, `node client.js reply SECONDS`: BullMQ without a socket. What it says, and when,
// is described in `bench/queue/client.py`.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { Queue, QueueEvents } from "bullmq";

import { connection, QUEUE, streams } from "./queue.js";

const BATCH = 1000; // Jobs in one addBulk.
const POLL_MS = 10; // Between two looks at what is left.
const WARM_UP_S = 1;
const HELD = ["waiting", "active", "prioritized", "delayed", "paused"];

const queue = new Queue(QUEUE, { connection, streams });

function say(line) {
  process.stdout.write(`${line}\n`);
}

function report(jobs, seconds, took) {
  took.sort((one, other) => one - other);
  const at = (share) => took[Math.max(1, Math.ceil(share * took.length)) - 1];
  const reply_ms = took.length ? { p50: at(0.5), p99: at(0.99), "p99.9": at(0.999) } : {};
  say(JSON.stringify({ jobs, seconds, reply_ms }));
}

async function addMany(count) {
  for (let at = 0; at < count; at += BATCH) {
    const size = Math.min(BATCH, count - at);
    await queue.addBulk(Array.from({ length: size }, () => ({ name: "noop", data: {} })));
  }
}

async function unfinished() {
  const counts = await queue.getJobCounts(...HELD);
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

async function drain(count) {
  await addMany(count);
  say("ready");
  let began = performance.now();
  let left = count;
  while (left === count) {
    began = performance.now();
    await sleep(POLL_MS);
    left = await unfinished();
  }
  say("begin");
  while (left > 0) {
    await sleep(POLL_MS);
    left = await unfinished();
  }
  say("end");
  report(count, (performance.now() - began) / 1000, []);
}

async function enqueue(count) {
  await addMany(BATCH);
  say("begin");
  const began = performance.now();
  await addMany(count);
  const seconds = (performance.now() - began) / 1000;
  say("end");
  report(count, seconds, []);
}

async function reply(seconds) {
  const events = new QueueEvents(QUEUE, { connection });
  await events.waitUntilReady();
  async function call() {
    const job = await queue.add("noop", {});
    await job.waitUntilFinished(events);
  }
  const warm = performance.now() + WARM_UP_S * 1000;
  while (performance.now() < warm) await call();
  say("begin");
  const began = performance.now();
  const took = [];
  let now = began;
  while (now - began < seconds * 1000) {
    await call();
    const then = now;
    now = performance.now();
    took.push(now - then);
  }
  say("end");
  report(took.length, (now - began) / 1000, took);
}

const [scenario, amount] = process.argv.slice(2);
await queue.waitUntilReady();
await { drain, enqueue, reply }[scenario](Number(amount));
await once(process.stdin.resume(), "end");
process.exit(0);
