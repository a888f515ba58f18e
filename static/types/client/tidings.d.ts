/**
 * @typedef {object} SubmitOptions
 * @property {string} [key] Idempotency key, 1 to 255 visible ASCII characters; default: a new one.
 *   The same key with the same input is the same job, for a day.
 * @property {number} [delay] Seconds before it may start; default 0.
 * @property {string} [at] Not before this moment (RFC 3339, with its offset); one that has passed means now. Not beside
 *   `delay`.
 * @property {number} [deadline] Seconds from now after which it is not worth finishing; default: none.
 * @property {string} [tier]
 * @property {string} [queue]
 * @property {number} [priority]
 * @property {string[]} [tags] At most 8, by which its owner lists and follows jobs.
 * @property {string} [correlation_id] Your own name for it, echoed wherever the job shows.
 * @property {string} [traceparent] W3C trace context.
 * @property {string} [tracestate]
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
 * @typedef {object} Options
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
 * @typedef {object} TidingsEvents
 * @property {StateChange} state The connection's state changed.
 * @property {Problem} error The server complained of something that belongs to no call, or refused `observe`.
 * @property {OverviewFrame} overview How queues, workers and connections stand, each second: see `observe`.
 */
export class Tidings {
    /**
     * Connects at once, and keeps connected until `close()`.
     *
     * @param {string | URL} url `http(s)://` or `ws(s)://`, of the server or of its socket.
     * @param {Options} options
     * @param {Lesser} lesser What there is below the socket.
     * @throws {TypeError} `url` is no such address.
     */
    constructor(url: string | URL, options: Options, lesser: Lesser);
    /** The connection's state. @returns {State} */
    get state(): State;
    /** Every limit of the connection, as the server's greeting has them; null before it, and over HTTP. */
    get limits(): Limits | null;
    /** What the server takes beyond version 1: `submit.x` for a field of a frame, `x` for a frame. */
    get features(): readonly string[];
    /**
     * @template {keyof TidingsEvents} Name
     * @param {Name} name
     * @param {(event: TidingsEvents[Name]) => void} listener
     * @returns {() => void} Call it to hear no more.
     */
    on<Name extends keyof TidingsEvents>(name: Name, listener: (event: TidingsEvents[Name]) => void): () => void;
    /**
     * Submits work; while there is no connection, it waits here.
     *
     * @param {string} kind
     * @param {object} input
     * @param {SubmitOptions} [options]
     * @returns {Job}
     * @throws {TypeError} Something in it has no form in JSON: NaN, half of a surrogate pair, a function, a cycle.
     */
    submit(kind: string, input: object, { signal, ...options }?: SubmitOptions): Job;
    /**
     * Follows a job that was submitted before, here or elsewhere.
     *
     * @param {string} token
     * @param {{after?: number, signal?: AbortSignal, grant?: GrantSource}} [options] `after`: the last `seq` seen;
     *   default 0: the log from its start. `signal`: follows no longer when it aborts. `grant`: a grant for the job, where
     *   the page's credential does not open it; or a callback that returns one, asked at every connect and when the last
     *   one is about to run out. A page with a grant needs no credential.
     * @returns {Job}
     */
    watch(token: string, { after, signal, grant }?: {
        after?: number;
        signal?: AbortSignal;
        grant?: GrantSource;
    }): Job;
    /**
     * Has the server send an `overview` each second, or stops it; after a break the client asks again. Only an
     * administrator may, and only over a socket: elsewhere nothing comes.
     *
     * @param {boolean} [wanted]
     */
    observe(wanted?: boolean): void;
    /** Disconnects for good. Jobs go on at the server; their promises here end with code `closed`. */
    close(): void;
    #private;
}
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
    tier?: string | undefined;
    queue?: string | undefined;
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
import type { State } from "./connection.js";
import type { Limits } from "./frame.js";
import { Job } from "./job.js";
import type { GrantSource } from "./grants.js";
import type { Lesser } from "./connection.js";
import type { Webhook } from "./frame.js";
import type { Credential } from "./connection.js";
import type { Backoff } from "./backoff.js";
import type { Timers } from "./connection.js";
import type { StateChange } from "./connection.js";
import type { Problem } from "./frame.js";
import type { OverviewFrame } from "./frame.js";
