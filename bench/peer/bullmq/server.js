// `node server.js PORT`: the WebSocket server that one glues to BullMQ. One QueueEvents hears of all jobs.

import { randomUUID } from "node:crypto";

import { Queue, QueueEvents } from "bullmq";
import { WebSocketServer } from "ws";

import { connection, KINDS, QUEUE, streams } from "./queue.js";

const queue = new Queue(QUEUE, { connection, streams });
const events = new QueueEvents(QUEUE, { connection });

/** The jobs under way, by token. */
const jobs = new Map();

/** A job's way to its socket: numbers its events, and holds them back until the job is acknowledged. */
class Following {
  #socket;
  #token;
  #seq = 1;
  #held = [];

  constructor(socket, token) {
    this.#socket = socket;
    this.#token = token;
  }

  acknowledge(ref) {
    this.#send({ type: "ack", ref, token: this.#token, status: "queued", seq: 1, duplicate: false });
    for (const frame of this.#held) this.#send(frame);
    this.#held = null;
  }

  tell(event, data) {
    this.#seq += 1;
    const frame = { type: "event", token: this.#token, seq: this.#seq, event, data };
    if (this.#held === null) this.#send(frame);
    else this.#held.push(frame);
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }
}

async function submit(socket, { ref, kind }) {
  if (!(kind in KINDS)) {
    socket.send(JSON.stringify({ type: "error", ref, problem: { code: "unknown_kind" } }));
    return;
  }
  const token = randomUUID();
  const following = new Following(socket, token);
  jobs.set(token, following);
  await queue.add(kind, {}, { jobId: token });
  following.acknowledge(ref);
}

events.on("active", ({ jobId }) => jobs.get(jobId)?.tell("started", {}));
events.on("progress", ({ jobId, data }) => jobs.get(jobId)?.tell("progress", data));
events.on("completed", ({ jobId, returnvalue }) => {
  jobs.get(jobId)?.tell("succeeded", { result: returnvalue });
  jobs.delete(jobId);
});
events.on("failed", ({ jobId, failedReason }) => {
  jobs.get(jobId)?.tell("failed", { problem: failedReason });
  jobs.delete(jobId);
});

await events.waitUntilReady();
await queue.waitUntilReady();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (text) => submit(socket, JSON.parse(text)));
});
process.on("SIGTERM", () => process.exit(0));
