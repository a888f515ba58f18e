/**
 * @typedef {object} ListLink What it needs of the client.
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {string} base Where the paths of HTTP begin.
 * @property {() => Promise<string | null | undefined>} credential
 */
/**
 * A list of jobs, the newest first: `await` it for one page, or iterate over all jobs.
 *
 * Each `await` and each iterator asks the server again.
 *
 * @implements {PromiseLike<JobPage>}
 * @implements {AsyncIterable<ListedJob>}
 */
export class JobPages implements PromiseLike<JobPage>, AsyncIterable<ListedJob> {
    /**
     * Not for you: it comes from `jobs`.
     *
     * @param {ListLink} link
     * @param {ListOptions} options
     */
    constructor(link: ListLink, options: ListOptions);
    /**
     * @template [Value=JobPage], [Failed=never]
     * @param {((page: JobPage) => Value | PromiseLike<Value>) | null} [fulfilled]
     * @param {((error: TidingsError) => Failed | PromiseLike<Failed>) | null} [rejected]
     * @returns {Promise<Value | Failed>}
     */
    then<Value = JobPage, Failed = never>(fulfilled?: ((page: JobPage) => Value | PromiseLike<Value>) | null, rejected?: ((error: TidingsError) => Failed | PromiseLike<Failed>) | null): Promise<Value | Failed>;
    /** @returns {AsyncGenerator<ListedJob, void>} */
    [Symbol.asyncIterator](): AsyncGenerator<ListedJob, void>;
    #private;
}
/**
 * What it needs of the client.
 */
export type ListLink = {
    fetch: (url: string, init: RequestInit) => Promise<Response>;
    /**
     * Where the paths of HTTP begin.
     */
    base: string;
    credential: () => Promise<string | null | undefined>;
};
import type { JobPage } from "../frame.js";
import type { ListedJob } from "../frame.js";
import { TidingsError } from "../error.js";
import type { ListOptions } from "../options.js";
