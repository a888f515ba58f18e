/** A client of one server: it keeps one connection, and comes back after a break where it left off. */
export class Tidings extends Client {
    /**
     * Connects at once, and keeps connected until `close()`.
     *
     * @param {string | URL} [url] `http(s)://` or `ws(s)://`, of the server or of its socket. Default: the server that
     *   this module was loaded from, `/v1/socket` beside its folder.
     * @param {Options} [options]
     * @throws {TypeError} `url` is no such address.
     */
    constructor(url?: string | URL, options?: Options);
}
export type JobEvent = import("./client/frame.js").JobEvent;
export type JobPage = import("./client/frame.js").JobPage;
export type ListedJob = import("./client/frame.js").ListedJob;
export type Problem = import("./client/frame.js").Problem;
export type Progress = import("./client/frame.js").Progress;
export type Snapshot = import("./client/frame.js").Snapshot;
export type Step = import("./client/frame.js").Step;
export type Webhook = import("./client/frame.js").Webhook;
export type FollowOptions = import("./client/options.js").FollowOptions;
export type ListOptions = import("./client/options.js").ListOptions;
export type Options = import("./client/options.js").Options;
export type SubmitOptions = import("./client/options.js").SubmitOptions;
export type TidingsEvents = import("./client/options.js").TidingsEvents;
export type WatchOptions = import("./client/options.js").WatchOptions;
import { CLOSE_CODES } from "./client/codes.js";
import { ChunkStream } from "./client/jobs/reading.js";
import { Follow } from "./client/jobs/follow.js";
import { Job } from "./client/jobs/job.js";
import { JobPages } from "./client/jobs/listing.js";
import { TidingsError } from "./client/error.js";
import { Tidings as Client } from "./client/tidings.js";
export { CLOSE_CODES, ChunkStream, Follow, Job, JobPages, TidingsError };
