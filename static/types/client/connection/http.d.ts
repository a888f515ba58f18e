/** @typedef {{tag: string, ref: number, owner?: string, since?: string, grant?: string}} FollowedTag A `follow` frame. */
export class HttpTransport {
    /**
     * @param {URL} url Of the socket; the other paths lie beside it.
     * @param {Surroundings} world
     * @param {Ear} ear
     */
    constructor(url: URL, world: Surroundings, ear: Ear);
    proven: boolean;
    /** @type {Map<string, number>} Token → number of the newest event heard. */
    followed: Map<string, number>;
    /** @type {Map<string, string>} Token → the grant by which it is followed. */
    grants: Map<string, string>;
    /** @type {Map<string, FollowedTag>} */
    tags: Map<string, FollowedTag>;
    /** @type {Surroundings} */
    world: Surroundings;
    /** @type {Ear} */
    ear: Ear;
    get quiet(): boolean;
    open(): void;
    /**
     * @param {string} text
     * @param {boolean} [carried] Of a `watch`: a tag that is followed brings the job's events too.
     */
    send(text: string, carried?: boolean): void;
    close(): void;
    /** There is more, or less, to follow. */
    follow(): void;
    /**
     * A tag is to be followed, perhaps once more; the answer is a `following`.
     *
     * @param {FollowedTag} _
     * @returns {Promise<void>}
     */
    followTag(_: FollowedTag): Promise<void>;
    /** @param {string} _ A tag that is followed no longer. */
    unfollowTag(_: string): void;
    /** Whether what follows a tag brings the events of its jobs, too. */
    carries: boolean;
    /**
     * Does something over the network; any failure becomes an error frame or the end of the transport.
     *
     * @param {number | null} ref The call it is done for.
     * @param {() => Promise<void>} work
     */
    attempt(ref: number | null, work: () => Promise<void>): Promise<void>;
    /**
     * @param {string} path
     * @param {RequestInit} [init]
     * @returns {Promise<Response>}
     * @throws {TidingsError} The server refuses.
     * @throws {Error} No answer, or one that is not the server's.
     */
    fetch(path: string, init?: RequestInit): Promise<Response>;
    /**
     * Reads what is known of a job, and passes it on.
     *
     * @param {number | null} ref
     * @param {string} token
     * @param {number} after
     * @param {Record<string, string>} [headers]
     * @returns {Promise<boolean>} Whether there was anything new.
     */
    look(ref: number | null, token: string, after: number, headers?: Record<string, string>): Promise<boolean>;
    /**
     * @param {string} token
     * @returns {Record<string, string>} The header that shows a job's grant, if it has one.
     */
    by(token: string): Record<string, string>;
    /** @param {any} frame An `event`, a `snapshot`, or an `error` that concerns a job. */
    tell(frame: any): void;
    /**
     * @param {string} token
     * @param {number} seq
     */
    add(token: string, seq: number): undefined;
    #private;
}
/**
 * A `follow` frame.
 */
export type FollowedTag = {
    tag: string;
    ref: number;
    owner?: string;
    since?: string;
    grant?: string;
};
import type { Surroundings } from "./connection.js";
import type { Ear } from "./socket.js";
