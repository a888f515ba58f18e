// What server, worker and client share: the queue's name, and where the store is.

const { hostname, port } = new URL(process.env.STORE_URL ?? 'redis://127.0.0.1:6379')

export const QUEUE = 'bench'

/** How many progress events each kind has. */
export const STEPS = { noop: 0, three_steps: 3 }

/** Jobs that a worker runs at a time: as many as a worker of Tidings. */
export const SLOTS = 100

/** What `Queue`, `QueueEvents` and `Worker` take; a blocking one must try again for ever, says the guide. */
export const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null }
