// What server, worker and client share: the queue's name, and where the store is.

const { hostname, port } = new URL(process.env.STORE_URL ?? "redis://127.0.0.1:6379");

export const QUEUE = "bench";

/** How often each kind reports progress, and how long it waits before, ms; as in `bench/jobs.py`. */
export const KINDS = {
  noop: { steps: 0, pauseMs: 0 },
  three_steps: { steps: 3, pauseMs: 0 },
  three_waiting_steps: { steps: 3, pauseMs: 1 },
  flood: { steps: 500, pauseMs: 1 },
};

/** Jobs that a worker runs at a time: as many as a worker of Tidings. */
export const SLOTS = 100;

/** Events that the stream keeps (10,000 as it comes): what is trimmed before QueueEvents has read it, nobody is told. */
export const streams = { events: { maxLen: 1_000_000 } };

/** What `Queue`, `QueueEvents` and `Worker` take; a blocking one must try again for ever, says the guide. */
export const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
