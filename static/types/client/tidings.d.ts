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
    get limits(): import("./frame.js").Limits | null;
    /** What the server takes beyond version 1: `submit.x` for a field of a frame, `x` for a frame. */
    get features(): readonly string[];
    /**
     * Calls `listener` at each event of that name, until the function returned is called.
     *
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
     * @param {WatchOptions} [options]
     * @returns {Job}
     */
    watch(token: string, { after, signal, grant }?: WatchOptions): Job;
    /**
     * Follows all jobs with a tag: those that live, and each that is submitted from now on.
     *
     * @param {string} tag
     * @param {FollowOptions} [options]
     * @returns {Follow}
     * @throws {TypeError} Something in it has no form in JSON.
     */
    follow(tag: string, { grant, owner, since, signal }?: FollowOptions): Follow;
    /**
     * Lists one's own jobs, the newest first: `await` it for a page, `{jobs, next}`, or iterate over all of them.
     *
     * @param {ListOptions} [options]
     * @returns {JobPages} Rejects, or throws, a TidingsError: what the server says, `aborted`, or `unreachable`.
     */
    jobs(options?: ListOptions): JobPages;
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
import type { State } from "./connection/connection.js";
import type { TidingsEvents } from "./options.js";
import type { SubmitOptions } from "./options.js";
import { Job } from "./jobs/job.js";
import type { WatchOptions } from "./options.js";
import type { FollowOptions } from "./options.js";
import { Follow } from "./jobs/follow.js";
import type { ListOptions } from "./options.js";
import { JobPages } from "./jobs/listing.js";
import type { Options } from "./options.js";
import type { Lesser } from "./connection/connection.js";
