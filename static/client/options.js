// @ts-check
/**
 * What a page may say when it makes a client, submits or lists, as types. Nothing here runs.
 *
 * @import { OverviewFrame, Problem, Webhook } from "./frame.js"
 * @import { Backoff } from "./connection/backoff.js"
 * @import { Credential, StateChange, Timers } from "./connection/connection.js"
 * @import { GrantSource } from "./jobs/grants.js"
 *
 * @typedef {object} SubmitOptions What may be said of a submission.
 * @property {string} [key] Idempotency key, 1 to 255 visible ASCII characters; default: a new one.
 *   The same key with the same input is the same job, for a day.
 * @property {number} [delay] Seconds before it may start; default 0.
 * @property {string} [at] Not before this moment (RFC 3339, with its offset); one that has passed means now. Not beside
 *   `delay`.
 * @property {number} [deadline] Seconds from now after which it is not worth finishing; default: none.
 * @property {string} [tier] Which of the kind's tiers the job belongs to; default: as the kind says.
 * @property {string} [queue] The queue of the kind; another is refused.
 * @property {number} [priority] -100 to 100: among jobs that may be shed the lowest goes first; default 0.
 * @property {string[]} [tags] At most 8, by which its owner lists and follows jobs.
 * @property {string} [correlation_id] Your own name for it, echoed wherever the job shows.
 * @property {string} [traceparent] W3C trace context.
 * @property {string} [tracestate] What vendors add to it.
 * @property {string} [owner] For whom the job is, who then owns it; wants the scope `delegate`. It is followed by its
 *   `grant` alone: without one, say `watch: false`.
 * @property {boolean | {may?: ("watch" | "cancel" | "signal")[], ttl?: number}} [grant] Whether the ack brings a grant for
 *   the job, whose bearer may do what it says, by default watch it, for `ttl` seconds, by default 900.
 * @property {string | Webhook} [webhook] Where workers post how the job ended, and what else happens to it; a string is
 *   its URL. Wants a server that names `submit.webhook` in `features`.
 * @property {AbortSignal} [signal] Cancels the job when it aborts.
 * @property {boolean} [watch] Whether the job is followed; default true. One that is not has a token and no events, and
 *   its `result` rejects with the code `unwatched`; it takes none of the connection's watches, and no right to watch.
 *
 * @typedef {object} WatchOptions What may be said of a watch.
 * @property {number} [after] The last `seq` seen; default 0: the log from its start.
 * @property {AbortSignal} [signal] Follows no longer when it aborts.
 * @property {GrantSource} [grant] A grant for the job, where the page's credential does not open it; or a callback that
 *   returns one, asked at every connect and when the last one is about to run out. A page with a grant needs no
 *   credential.
 *
 * @typedef {object} FollowOptions What may be said of a follow.
 * @property {GrantSource} [grant] A grant for the tag, as for `watch`: its owner's jobs are followed. Default: the
 *   caller's own.
 * @property {string} [owner] Whose jobs, where they are not the caller's; wants the scope `admin`.
 * @property {string} [since] Also the jobs that ended at this moment (RFC 3339, with its offset) or later.
 * @property {AbortSignal} [signal] Closes it when it aborts.
 *
 * @typedef {object} ListOptions Which jobs are listed.
 * @property {string} [tag] Only jobs with this tag.
 * @property {string} [kind] Only jobs of this kind.
 * @property {string} [state] Only jobs in this state.
 * @property {string} [owner] Whose, where they are not the caller's; wants the scope `admin`.
 * @property {number} [limit] Jobs on one page, 1 to 100; default 50.
 * @property {string} [cursor] Where to begin: the `next` of a page of the same list.
 * @property {GrantSource} [grant] A grant for the `tag`: its owner's jobs are listed.
 * @property {AbortSignal} [signal] Ends the request when it aborts.
 *
 * @typedef {object} Options How a client connects.
 * @property {() => Credential | Promise<Credential>} [credential] Returns who is calling: a JWT or an API key. Asked
 *   whenever it connects and when the server says that the last one runs out, so let it return a fresh one.
 * @property {number} [silenceMs] Without a word for so long, a connection counts as dead; default 60 000.
 * @property {number} [helloMs] How long a new one may take to be greeted; default 10 000.
 * @property {number} [stableMs] A connection that lasted so long forgets earlier failures; default 10 000.
 * @property {number} [upgradeMs] Between tries of a better transport, half to one and a half times; default 60 000.
 * @property {Partial<Backoff>} [backoff] Between connections; default {baseMs: 500, capMs: 30 000}.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] Default: the global one.
 * @property {(url: string, init?: RequestInit) => Promise<Response>} [fetch] Default: the global one.
 * @property {() => number} [now] Wall clock, ms; default Date.now.
 * @property {() => number} [random] Uniform in [0, 1); default Math.random.
 * @property {Timers} [timers] Default setTimeout and clearTimeout.
 * @property {EventTarget | null} [events] Source of `online`, `offline`, `visibilitychange`; default window.
 *
 * @typedef {object} TidingsEvents What a listener of each name is given.
 * @property {StateChange} state The connection's state changed.
 * @property {Problem} error The server complained of something that belongs to no call, or refused `observe`.
 * @property {OverviewFrame} overview How queues, workers and connections stand, each second: see `observe`.
 */

export {};
