// @ts-check
/**
 * The server's answers to operators, as types. Nothing here runs. Times: ms since the epoch, or RFC 3339.
 *
 * @typedef {number | string | null | undefined} Time
 * @typedef {{p50: number, p95: number, p99: number}} Percentiles Seconds.
 *
 * @typedef {object} QueueLine One tier of one queue.
 * @property {string} queue
 * @property {string} tier
 * @property {number} waiting
 * @property {number} running
 * @property {number} scheduled Of the whole queue.
 * @property {number} dead Of the whole queue.
 * @property {number | null} oldest Seconds the oldest waits.
 * @property {boolean} paused
 * @property {number} rate_in Jobs a second.
 * @property {number} rate_out
 * @property {number | null} eta Seconds until one that comes now may start.
 * @property {boolean} served
 *
 * @typedef {object} Running
 * @property {string} token
 * @property {string} kind
 * @property {Time} since
 *
 * @typedef {object} WorkerLine
 * @property {string} worker
 * @property {string} host
 * @property {number} pid
 * @property {string} version
 * @property {string[]} queues
 * @property {Record<string, number>} tiers
 * @property {number} slots
 * @property {number} busy
 * @property {number | null} cpu Of one core.
 * @property {number | null} memory Bytes.
 * @property {Time} since
 * @property {number} seen Seconds ago.
 * @property {number | null} [sending] Deliveries to webhooks under way; null: it delivers none.
 * @property {number} [delivery_slots]
 * @property {Running[]} running Some of them.
 *
 * @typedef {object} BreakerLine
 * @property {string} breaker
 * @property {string} state `closed`, `open` or `half_open`.
 * @property {Time} since
 * @property {boolean} forced
 *
 * @typedef {object} LatencyLine The last minute of a kind.
 * @property {string} kind Empty: all.
 * @property {number} count
 * @property {number} failed
 * @property {Percentiles | null} ack
 * @property {Percentiles | null} wait
 * @property {Percentiles | null} run
 * @property {Percentiles | null} total
 * @property {Percentiles | null} notify
 *
 * @typedef {object} Overview
 * @property {Time} at
 * @property {QueueLine[]} queues
 * @property {{kind: string, queue: string, tiers: string[]}[]} kinds
 * @property {WorkerLine[]} workers
 * @property {BreakerLine[]} breakers
 * @property {LatencyLine[]} latency
 * @property {{sockets: number, streams: number, watches: number, slow: number}} connections
 * @property {{memory: number | null, limit: number | null, silent_nodes: string[], missing_queues: string[], stale: string[]}} store
 *
 * @typedef {object} Point
 * @property {Time} at
 * @property {number} count
 * @property {number} failed
 * @property {Percentiles | null} wait
 * @property {Percentiles | null} run
 * @property {Percentiles | null} total
 * @property {number[]} cells How many had a total between the edges.
 *
 * @typedef {object} Series
 * @property {number} step Seconds.
 * @property {Point[]} points
 * @property {number[]} edges Seconds, rising.
 * @property {Time} [reaches_back] From when on all are there, where that is not from the beginning.
 *
 * @typedef {object} JobLine
 * @property {string} token
 * @property {string} kind
 * @property {string} state
 * @property {string} queue
 * @property {string} tier
 * @property {number} attempt
 * @property {Time} submitted
 * @property {Time} finished
 * @property {number | null} total Seconds.
 * @property {string | null} correlation_id
 * @property {string | null} worker
 * @property {string} [owner]
 * @property {string[]} [tags]
 *
 * @typedef {object} Objective
 * @property {string} kind
 * @property {number | null} total_p99 Seconds.
 * @property {number | null} success 0 to 1.
 * @property {number} count
 * @property {number} failed
 * @property {number} slow
 * @property {number | null} rate Of success, as seen.
 * @property {number | null} budget What is left of it: 1 is all, below 0 it is overdrawn.
 * @property {Time} since When the first job ended that is counted.
 *
 * @typedef {object} Letter
 * @property {string} token
 * @property {string} died
 * @property {string} kind
 * @property {string} queue
 * @property {string} tier
 * @property {number} attempt
 * @property {number} replays
 * @property {string} owner
 * @property {string | null} correlation_id
 * @property {string} code
 * @property {string} detail
 * @property {string} error
 * @property {string[]} [tags]
 *
 * @typedef {object} Acted What became of letters.
 * @property {number} done
 * @property {boolean} dry_run
 * @property {{token: string, why: string}[]} refused
 * @property {boolean} more
 *
 * @typedef {object} PastAttempt
 * @property {number} attempt
 * @property {string} at
 * @property {string} worker
 * @property {string} event
 * @property {import("../client/frame.js").Problem | null} problem
 *
 * @typedef {object} Detail What operators see of a job besides its snapshot.
 * @property {string} queue
 * @property {string} tier
 * @property {string} owner
 * @property {string} caller
 * @property {string | null} worker
 * @property {string | null} due
 * @property {string | null} deadline
 * @property {boolean} cancel_asked
 * @property {any} [input]
 * @property {string} error
 * @property {string} traceback
 * @property {PastAttempt[]} history
 * @property {string | null} trace_id
 * @property {string | null} letter
 * @property {string | null} parent
 * @property {string[]} [tags]
 * @property {string | null} [correlation_id]
 *
 * @typedef {object} ConnectionLine
 * @property {string} connection
 * @property {string} caller
 * @property {string} address
 * @property {string} kind
 * @property {Time} since
 * @property {number} watches
 * @property {number} waiting_bytes
 * @property {boolean} slow
 *
 * @typedef {object} AuditLine
 * @property {Time} at
 * @property {string} who
 * @property {string} address
 * @property {string} action
 * @property {string} target
 * @property {string} detail
 * @property {string} outcome
 * @property {number} unrecorded
 *
 * @typedef {object} SagaCount The running sagas of one version of a kind.
 * @property {string} kind
 * @property {number} version
 * @property {string} queue
 * @property {number} sagas
 * @property {number} held
 *
 * @typedef {object} HeldSaga A saga that is held because the code takes other steps.
 * @property {string} token
 * @property {string} kind
 * @property {number} version
 * @property {string} queue
 * @property {boolean} pinned
 * @property {boolean} unwinding
 * @property {{detail: string}} held
 *
 * @typedef {object} SchemaChange What of a kind has changed, and may break something.
 * @property {string} rule
 * @property {"breaking" | "allowed" | "notice"} level
 * @property {string} says
 * @property {string} pointer
 * @property {string} detail
 * @property {string[]} breaks
 * @property {string} advice
 *
 * @typedef {object} ChangedKind A kind of which a worker registered another record than the one before.
 * @property {string} kind
 * @property {number} at
 * @property {number | null} version_before
 * @property {number | null} version
 * @property {string[]} fields
 * @property {SchemaChange[]} changes
 * @property {number} more
 * @property {string} unreadable
 *
 * @typedef {object} EventGroup A group of consumers in one queue.
 * @property {string} group
 * @property {string} queue
 * @property {string[]} follows
 * @property {number | null} behind Null: not known.
 * @property {number | null} oldest Seconds ago.
 * @property {number} in_hand
 * @property {number} handled
 * @property {number} missed
 * @property {string | null} missed_at
 * @property {number} dead
 * @property {boolean} paused
 * @property {string} position
 *
 * @typedef {object} GroupLetter
 * @property {string} letter
 * @property {string} queue
 * @property {string} token
 * @property {string} kind
 * @property {string} event
 * @property {number} tries
 * @property {string} why
 *
 * @typedef {object} DeliveryTry
 * @property {string} at
 * @property {number} duration_ms
 * @property {number} [status]
 * @property {string} [error]
 * @property {string} [head]
 *
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} webhook_id
 * @property {string} token
 * @property {string} event
 * @property {string} url
 * @property {string} place
 * @property {"waiting" | "sending" | "delivered" | "dead" | "dropped"} state
 * @property {number} tries
 * @property {string} created
 * @property {string} [next_try]
 * @property {string} [ended]
 * @property {DeliveryTry[]} [attempts]
 *
 * @typedef {object} DeliveryPlace
 * @property {string} place
 * @property {string} queue
 * @property {number} waiting
 * @property {number} sending
 * @property {boolean} paused
 * @property {string | null} rests_until
 */

export {};
