/** @typedef {"connecting" | "resuming" | "open" | "backing-off" | "closed"} State */
/** @typedef {"websocket" | "sse" | "long-poll"} TransportName */
/** @type {Record<State, readonly State[]>} */
export const TRANSITIONS: Record<State, readonly State[]>;
/**
 * @typedef {object} StateChange
 * @property {State} state
 * @property {State} previous
 * @property {TransportName} transport The one in use, or being tried.
 * @property {number} [code] Close code that led here.
 * @property {string} [reason] The same for people.
 * @property {number} [delayMs] In `backing-off`: ms until the next try.
 *
 * @typedef {object} Timers
 * @property {(callback: () => void, ms: number) => any} set
 * @property {(id: any) => void} clear
 *
 * @typedef {string | null | undefined} Credential
 *
 * @typedef {object} Surroundings What a connection needs from the world, each replaceable, and its times.
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {(url: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {() => number} now Milliseconds; a wall clock, so that a night's sleep counts as silence.
 * @property {Timers} timers
 * @property {() => number} random Uniform in [0, 1).
 * @property {EventTarget | null} events Where `online`, `offline` and `visibilitychange` are heard.
 * @property {(() => Credential | Promise<Credential>) | undefined} credential Asked at every connect.
 * @property {number} silenceMs Without a word for so long, a transport counts as dead; default 60 000.
 *   The server speaks at least every 25 s.
 * @property {number} helloMs How long to wait for `hello`; default 10 000.
 * @property {number} stableMs A connection that lasted so long forgets earlier failures; default 10 000.
 * @property {number} upgradeMs Between tries of a better transport, half to one and a half times; default 60 000.
 * @property {Backoff} backoff
 * @property {Lesser} lesser
 *
 * @typedef {readonly (() => Promise<TransportClass>)[]} Lesser How to load what comes below each transport, in order.
 *
 * @typedef {object} Owner
 * @property {(hello: Hello) => boolean} greeted The server said hello. Returns whether there is
 *   something to resume; the owner then calls `resumed()` when it is.
 * @property {() => void} ready Frames can be sent.
 * @property {() => boolean} idle Nothing is asked, and what is asked first may be a job that a grant opens.
 * @property {(frame: ServerFrame) => void} frame
 * @property {(abrupt: boolean) => void} lost The transport is gone; what was asked and not answered will not be.
 *   `abrupt`: for no reason of the server's own.
 * @property {(change: StateChange) => void} state
 */
export class Connection {
    /**
     * @param {URL} url
     * @param {Surroundings} world
     * @param {Owner} owner
     */
    constructor(url: URL, world: Surroundings, owner: Owner);
    get state(): State;
    /** Whether frames can be sent now. */
    get writable(): boolean;
    /**
     * @param {string} text
     * @param {boolean} [carried] Of a `watch`: a tag that is followed brings the job's events too.
     */
    send(text: string, carried?: boolean): void;
    /** What was to be resumed is. */
    resumed(): void;
    /** Something is asked: a connection that waits for that is tried again. */
    wake(): void;
    /** Ends it for good. */
    close(): void;
    #private;
}
export type State = "connecting" | "resuming" | "open" | "backing-off" | "closed";
export type TransportName = "websocket" | "sse" | "long-poll";
export type StateChange = {
    state: State;
    previous: State;
    /**
     * The one in use, or being tried.
     */
    transport: TransportName;
    /**
     * Close code that led here.
     */
    code?: number | undefined;
    /**
     * The same for people.
     */
    reason?: string | undefined;
    /**
     * In `backing-off`: ms until the next try.
     */
    delayMs?: number | undefined;
};
export type Timers = {
    set: (callback: () => void, ms: number) => any;
    clear: (id: any) => void;
};
export type Credential = string | null | undefined;
/**
 * What a connection needs from the world, each replaceable, and its times.
 */
export type Surroundings = {
    WebSocket: new (url: string, protocol: string) => WebSocket;
    fetch: (url: string, init?: RequestInit) => Promise<Response>;
    /**
     * Milliseconds; a wall clock, so that a night's sleep counts as silence.
     */
    now: () => number;
    timers: Timers;
    /**
     * Uniform in [0, 1).
     */
    random: () => number;
    /**
     * Where `online`, `offline` and `visibilitychange` are heard.
     */
    events: EventTarget | null;
    /**
     * Asked at every connect.
     */
    credential: (() => Credential | Promise<Credential>) | undefined;
    /**
     * Without a word for so long, a transport counts as dead; default 60 000.
     * The server speaks at least every 25 s.
     */
    silenceMs: number;
    /**
     * How long to wait for `hello`; default 10 000.
     */
    helloMs: number;
    /**
     * A connection that lasted so long forgets earlier failures; default 10 000.
     */
    stableMs: number;
    /**
     * Between tries of a better transport, half to one and a half times; default 60 000.
     */
    upgradeMs: number;
    backoff: Backoff;
    lesser: Lesser;
};
/**
 * How to load what comes below each transport, in order.
 */
export type Lesser = readonly (() => Promise<TransportClass>)[];
export type Owner = {
    /**
     * The server said hello. Returns whether there is
     * something to resume; the owner then calls `resumed()` when it is.
     */
    greeted: (hello: Hello) => boolean;
    /**
     * Frames can be sent.
     */
    ready: () => void;
    /**
     * Nothing is asked, and what is asked first may be a job that a grant opens.
     */
    idle: () => boolean;
    frame: (frame: ServerFrame) => void;
    /**
     * The transport is gone; what was asked and not answered will not be.
     * `abrupt`: for no reason of the server's own.
     */
    lost: (abrupt: boolean) => void;
    state: (change: StateChange) => void;
};
import type { Backoff } from "./backoff.js";
import type { TransportClass } from "./socket.js";
import type { Hello } from "../frame.js";
import type { ServerFrame } from "../frame.js";
