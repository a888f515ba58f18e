/**
 * What may be said of a submission.
 */
export type SubmitOptions = {
    /**
     * Idempotency key, 1 to 255 visible ASCII characters; default: a new one.
     * The same key with the same input is the same job, for a day.
     */
    key?: string | undefined;
    /**
     * Seconds before it may start; default 0.
     */
    delay?: number | undefined;
    /**
     * Not before this moment (RFC 3339, with its offset); one that has passed means now. Not beside
     * `delay`.
     */
    at?: string | undefined;
    /**
     * Seconds from now after which it is not worth finishing; default: none.
     */
    deadline?: number | undefined;
    /**
     * Which of the kind's tiers the job belongs to; default: as the kind says.
     */
    tier?: string | undefined;
    /**
     * The queue of the kind; another is refused.
     */
    queue?: string | undefined;
    /**
     * -100 to 100: among jobs that may be shed the lowest goes first; default 0.
     */
    priority?: number | undefined;
    /**
     * At most 8, by which its owner lists and follows jobs.
     */
    tags?: string[] | undefined;
    /**
     * Your own name for it, echoed wherever the job shows.
     */
    correlation_id?: string | undefined;
    /**
     * W3C trace context.
     */
    traceparent?: string | undefined;
    /**
     * What vendors add to it.
     */
    tracestate?: string | undefined;
    /**
     * For whom the job is, who then owns it; wants the scope `delegate`. It is followed by its
     * `grant` alone: without one, say `watch: false`.
     */
    owner?: string | undefined;
    /**
     * Whether the ack brings a grant for
     * the job, whose bearer may do what it says, by default watch it, for `ttl` seconds, by default 900.
     */
    grant?: boolean | {
        may?: ("watch" | "cancel" | "signal")[];
        ttl?: number;
    } | undefined;
    /**
     * Where workers post how the job ended, and what else happens to it; a string is
     * its URL. Wants a server that names `submit.webhook` in `features`.
     */
    webhook?: string | Webhook | undefined;
    /**
     * Cancels the job when it aborts.
     */
    signal?: AbortSignal | undefined;
    /**
     * Whether the job is followed; default true. One that is not has a token and no events, and
     * its `result` rejects with the code `unwatched`; it takes none of the connection's watches, and no right to watch.
     */
    watch?: boolean | undefined;
};
/**
 * What may be said of a watch.
 */
export type WatchOptions = {
    /**
     * The last `seq` seen; default 0: the log from its start.
     */
    after?: number | undefined;
    /**
     * Follows no longer when it aborts.
     */
    signal?: AbortSignal | undefined;
    /**
     * A grant for the job, where the page's credential does not open it; or a callback that
     * returns one, asked at every connect and when the last one is about to run out. A page with a grant needs no
     * credential.
     */
    grant?: GrantSource | undefined;
};
/**
 * What may be said of a follow.
 */
export type FollowOptions = {
    /**
     * A grant for the tag, as for `watch`: its owner's jobs are followed. Default: the
     * caller's own.
     */
    grant?: GrantSource | undefined;
    /**
     * Whose jobs, where they are not the caller's; wants the scope `admin`.
     */
    owner?: string | undefined;
    /**
     * Also the jobs that ended at this moment (RFC 3339, with its offset) or later.
     */
    since?: string | undefined;
    /**
     * Closes it when it aborts.
     */
    signal?: AbortSignal | undefined;
};
/**
 * Which jobs are listed.
 */
export type ListOptions = {
    /**
     * Only jobs with this tag.
     */
    tag?: string | undefined;
    /**
     * Only jobs of this kind.
     */
    kind?: string | undefined;
    /**
     * Only jobs in this state.
     */
    state?: string | undefined;
    /**
     * Whose, where they are not the caller's; wants the scope `admin`.
     */
    owner?: string | undefined;
    /**
     * Jobs on one page, 1 to 100; default 50.
     */
    limit?: number | undefined;
    /**
     * Where to begin: the `next` of a page of the same list.
     */
    cursor?: string | undefined;
    /**
     * A grant for the `tag`: its owner's jobs are listed.
     */
    grant?: GrantSource | undefined;
    /**
     * Ends the request when it aborts.
     */
    signal?: AbortSignal | undefined;
};
/**
 * How a client connects.
 */
export type Options = {
    /**
     * Returns who is calling: a JWT or an API key. Asked
     * whenever it connects and when the server says that the last one runs out, so let it return a fresh one.
     */
    credential?: (() => Credential | Promise<Credential>) | undefined;
    /**
     * Without a word for so long, a connection counts as dead; default 60 000.
     */
    silenceMs?: number | undefined;
    /**
     * How long a new one may take to be greeted; default 10 000.
     */
    helloMs?: number | undefined;
    /**
     * A connection that lasted so long forgets earlier failures; default 10 000.
     */
    stableMs?: number | undefined;
    /**
     * Between tries of a better transport, half to one and a half times; default 60 000.
     */
    upgradeMs?: number | undefined;
    /**
     * Between connections; default {baseMs: 500, capMs: 30 000}.
     */
    backoff?: Partial<Backoff> | undefined;
    /**
     * Default: the global one.
     */
    WebSocket?: (new (url: string, protocol: string) => WebSocket) | undefined;
    /**
     * Default: the global one.
     */
    fetch?: ((url: string, init?: RequestInit) => Promise<Response>) | undefined;
    /**
     * Wall clock, ms; default Date.now.
     */
    now?: (() => number) | undefined;
    /**
     * Uniform in [0, 1); default Math.random.
     */
    random?: (() => number) | undefined;
    /**
     * Default setTimeout and clearTimeout.
     */
    timers?: Timers | undefined;
    /**
     * Source of `online`, `offline`, `visibilitychange`; default window.
     */
    events?: EventTarget | null | undefined;
};
/**
 * What a listener of each name is given.
 */
export type TidingsEvents = {
    /**
     * The connection's state changed.
     */
    state: StateChange;
    /**
     * The server complained of something that belongs to no call, or refused `observe`.
     */
    error: Problem;
    /**
     * How queues, workers and connections stand, each second: see `observe`.
     */
    overview: OverviewFrame;
};
import type { Webhook } from "./frame.js";
import type { GrantSource } from "./jobs/grants.js";
import type { Credential } from "./connection/connection.js";
import type { Backoff } from "./connection/backoff.js";
import type { Timers } from "./connection/connection.js";
import type { StateChange } from "./connection/connection.js";
import type { Problem } from "./frame.js";
import type { OverviewFrame } from "./frame.js";
