// @ts-check
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 *
 * @typedef {object} Problem A problem document (RFC 9457).
 * @property {string} code Stable, for programs.
 * @property {string} title A short sentence, the same each time.
 * @property {string} detail What happened this time; for people.
 * @property {string} type `urn:tidings:problem:<code>`.
 * @property {number} status HTTP status; 0 for a problem this client made itself.
 * @property {string} [field] JSON Pointer to the offending part of the request.
 * @property {number} [limit] The limit exceeded, in the unit that `detail` names.
 * @property {number} [retry_after] Seconds until another try makes sense.
 * @property {string} [trace_id]
 * @property {"complete" | "incomplete"} [compensation] Of a saga that had to undo its work.
 * @property {object[]} [errors]
 * @property {string} [stream] Of `stream_reset`: the stream, and of its chunks that were read the number that stays.
 * @property {number} [keep]
 * @property {number} [attempt]
 *
 * @typedef {object} Limits Every limit of the connection; names end in the unit where there is one.
 * @property {number} max_frame_bytes Size of one frame from the client.
 * @property {number} max_in_flight Submits waiting for their ack at one time.
 * @property {number} max_watches Jobs watched at one time.
 *
 * @typedef {object} Hello
 * @property {"hello"} type
 * @property {number} [version]
 * @property {string} [connection]
 * @property {Limits | null} limits Null over HTTP, which has none.
 * @property {boolean} [authenticated] False: the server wants an `auth` frame before any other.
 * @property {string[]} [features] What the server takes beyond version 1: `submit.x` for a field, `x` for a frame.
 *
 * @typedef {object} Webhook Where workers post what happens to a job.
 * @property {string} url `https://…`, at most 2048 characters.
 * @property {("queued" | "started" | "progress" | "log" | "step" | "retrying" | "waiting" | "succeeded" | "failed" |
 *   "cancelled" | "expired")[]} [events] Default: those that end a job.
 * @property {string} [id] Your own name for it, 1 to 64 letters, digits, `_` and `-`: each `webhook-id` begins with it.
 * @property {"standard" | "cloudevents"} [format] Of the body; default `standard`.
 *
 * @typedef {object} Ack The server's answer to a submission.
 * @property {"ack"} type
 * @property {number} ref
 * @property {string} token
 * @property {string} status
 * @property {number} seq The job's newest number; events with a higher one follow.
 * @property {boolean} duplicate The key was known: this is the earlier job.
 * @property {number | null} [position] Jobs ahead, approximate.
 * @property {number | null} [eta] Seconds until it may start, approximate.
 * @property {IssuedGrant} [grant] The grant that the submission asked for.
 * @property {string | null} [degraded] How the service falls short for this job at the moment, such as `circuit_open`.
 *
 * @typedef {object} Following The client follows a tag.
 * @property {"following"} type
 * @property {number} ref
 * @property {string} tag
 * @property {number} jobs How many there are by now, whose snapshots come next.
 * @property {string} at RFC 3339, by the store's clock: for `since`.
 *
 * @typedef {object} ListedJob One job in the list of its owner.
 * @property {string} token
 * @property {string} kind
 * @property {string} status
 * @property {number} attempt How many have begun.
 * @property {string[]} tags
 * @property {string} submitted RFC 3339, by the store's clock.
 * @property {string | null} finished
 * @property {string} correlation_id
 *
 * @typedef {object} JobPage One page of a list of jobs.
 * @property {ListedJob[]} jobs The newest first. Where few of many match, a page may hold less than was asked for, or
 *   nothing, and yet have a `next`.
 * @property {string} at When it was read (RFC 3339, the store's clock).
 * @property {string | null} next The `cursor` of the next page; null: this is the last.
 *
 * @typedef {object} IssuedGrant Who bears it may do what it says.
 * @property {string} grant
 * @property {("watch" | "cancel" | "signal")[]} may
 * @property {string} expires_at RFC 3339, by the server's clock.
 *
 * @typedef {object} JobEvent Something that happened to a job.
 * @property {string} token
 * @property {number} seq Rises strictly for one job.
 * @property {string} event `queued`, `started`, `progress`, `log`, `step`, `retrying`, `waiting`,
 *   `chunk`, `chunks`, `reset`, `succeeded`, `failed`, `cancelled` or `expired`.
 * @property {string} status The job's state after it.
 * @property {string | null} at RFC 3339, by the store's clock; null for one made from a snapshot.
 * @property {any} data What the event says: `{fraction, message, data}` of `progress`, the chunk
 *   itself of `log`, `{result}` of `succeeded`, `{problem}` of `failed`, …
 *
 * @typedef {object} Progress How far a job is.
 * @property {number | null} fraction 0 to 1; null: unknown.
 * @property {string | null} [message] A few words for people.
 * @property {any} [data] What the handler adds.
 *
 * @typedef {object} Snapshot All that is known of a job at one moment.
 * @property {"snapshot"} type
 * @property {number | null} [ref] Null: sent unasked, after events were lost on the way.
 * @property {string} token
 * @property {number} seq Events resume above it.
 * @property {string} status
 * @property {number} attempt
 * @property {string} [kind]
 * @property {Progress | null} [progress]
 * @property {any} [result]
 * @property {Problem | null} [problem]
 * @property {Record<string, string>} milestones RFC 3339, by the store's clock.
 * @property {{seq: number, at: string, data: any}[]} [log] The chunks after the number asked for.
 * @property {boolean} [truncated] The log no longer reaches back to that number.
 * @property {Step[]} [steps] Of a saga, in the order of the program.
 * @property {Problem} [held] Of a saga that is held because its steps have changed: why it waits.
 * @property {string[]} [tags] Its tags.
 * @property {Record<string, {attempt: number, from: number, chunks: any[]}>} [streams] By name, if it has written any: the
 *   chunks from the index `from` on.
 * @property {boolean} [rewound] The store knows less than was seen: writes were lost.
 *
 * @typedef {object} Step One step of a saga. An event has path, name, type, status, child, undo_child and problem.
 * @property {string} path Its place in the program: `1`, `2`, …; in the first branch of a gather at 3: `3.1.1`, ….
 * @property {string} name
 * @property {"step" | "call" | "signal" | "sleep"} type
 * @property {"running" | "succeeded" | "failed" | "compensating" | "compensated" | "compensation_failed"} status
 * @property {string} [began] RFC 3339, by the store's clock.
 * @property {string} [ended]
 * @property {number} [attempts]
 * @property {string} [worker]
 * @property {string} [child] Token of the job that does it.
 * @property {string} [kind]
 * @property {any} [input]
 * @property {any} [result]
 * @property {Problem} [problem]
 * @property {number} [cut_bytes] Of input and result, left out because they are large.
 * @property {string} [undo] What undoes it.
 * @property {string} [undo_child] Token of the job that does.
 *
 * @typedef {object} OverviewFrame How the server and its store stand; `docs/reference/admin.md` has the fields.
 * @property {"overview"} type
 * @property {string} at RFC 3339, by the store's clock.
 * @property {object[]} queues
 * @property {object[]} kinds
 * @property {object[]} workers
 * @property {object[]} breakers
 * @property {object[]} latency
 * @property {object} connections
 * @property {object} store
 *
 * @typedef {{type: "event"} & JobEvent} EventFrame
 * @typedef {{type: "done", ref: number}} Done
 * @typedef {{type: "pong", ref: number}} Pong
 * @typedef {{type: "alive"}} Alive
 * @typedef {{type: "error", ref: number | null, problem: Problem, token?: string, tag?: string}} ErrorFrame
 *   `token`, `tag`: what it concerns, where it answers no frame.
 * @typedef {{type: "goaway", reason: string, reconnect_after: number}} GoAway
 *
 * @typedef {Hello | Ack | Snapshot | EventFrame | Following | Done | Pong | Alive | ErrorFrame | GoAway | OverviewFrame} ServerFrame
 */

export {};
