/**
 * @typedef {object} ChatOptions
 * @property {Tidings} client The connection, which other parts of the page may use too; `close` leaves it open.
 * @property {string} kind The kind of work that answers: a handler that takes a `ChatRequest` as `chat`.
 * @property {"running" | "newest"} [resume] What a resume shows: the message that is being written, or also the newest one
 *   where it has ended, for pages whose history may lack it. Default: `running`.
 * @property {string[]} [tags] Tags of the jobs, beside the chat's own.
 * @property {(chatId: string) => GrantSource} [grant] The grant for the tag `chat:ID`, for a page that has no credential of
 *   its own; such a page resumes and stops, and cannot ask.
 */
/**
 * @typedef {object} Asked What the SDK gives with a question; it gives more, which is not used.
 * @property {"submit-message" | "regenerate-message"} trigger
 * @property {string} chatId
 * @property {string} [messageId]
 * @property {any[]} messages The messages of the chat, `UIMessage`s of the SDK.
 * @property {AbortSignal} [abortSignal] Ends the reading, and never the job.
 * @property {object} [body] Inputs of the kind, beside `chat`.
 */
/** A `ChatTransport` of the package `ai`, whose types it fits; nothing of that package is imported. */
export class ChatTransport {
    /** @param {ChatOptions} options */
    constructor({ client, kind, resume, tags, grant }: ChatOptions);
    /** A resume shows the message from its beginning. @type {true} */
    resumeStreamIsReplay: true;
    /**
     * Asks, and returns the message as it is written.
     *
     * @param {Asked} asked
     * @returns {Promise<ReadableStream<any>>} Parts of the UI message stream. Rejects with a TidingsError if the server refuses.
     */
    sendMessages({ trigger, chatId, messageId, messages, abortSignal, body }: Asked): Promise<ReadableStream<any>>;
    /**
     * Returns the message that is being written in a chat, from its beginning; null: none is.
     *
     * @param {{chatId: string, abortSignal?: AbortSignal}} of
     * @returns {Promise<ReadableStream<any> | null>} Rejects with a TidingsError if the server cannot say.
     */
    reconnectToStream({ chatId, abortSignal }: {
        chatId: string;
        abortSignal?: AbortSignal;
    }): Promise<ReadableStream<any> | null>;
    /**
     * Stops what is being written in a chat; then call the SDK's `stop()`. Resolves when the server has taken note.
     *
     * @param {string} chatId
     * @returns {Promise<boolean>} Whether something was being written.
     */
    cancel(chatId: string): Promise<boolean>;
    /**
     * The job that is writing in a chat, for a signal or its progress; null: none is.
     *
     * @param {string} chatId
     * @returns {Promise<Job | null>}
     */
    job(chatId: string): Promise<Job | null>;
    /** Nothing: the client is the page's. */
    close(): void;
    #private;
}
export type ChatOptions = {
    /**
     * The connection, which other parts of the page may use too; `close` leaves it open.
     */
    client: Tidings;
    /**
     * The kind of work that answers: a handler that takes a `ChatRequest` as `chat`.
     */
    kind: string;
    /**
     * What a resume shows: the message that is being written, or also the newest one
     * where it has ended, for pages whose history may lack it. Default: `running`.
     */
    resume?: "running" | "newest" | undefined;
    /**
     * Tags of the jobs, beside the chat's own.
     */
    tags?: string[] | undefined;
    /**
     * The grant for the tag `chat:ID`, for a page that has no credential of
     * its own; such a page resumes and stops, and cannot ask.
     */
    grant?: ((chatId: string) => GrantSource) | undefined;
};
/**
 * What the SDK gives with a question; it gives more, which is not used.
 */
export type Asked = {
    trigger: "submit-message" | "regenerate-message";
    chatId: string;
    messageId?: string | undefined;
    /**
     * The messages of the chat, `UIMessage`s of the SDK.
     */
    messages: any[];
    /**
     * Ends the reading, and never the job.
     */
    abortSignal?: AbortSignal | undefined;
    /**
     * Inputs of the kind, beside `chat`.
     */
    body?: object | undefined;
};
import type { Job } from "./client/jobs/job.js";
import type { Tidings } from "./client/tidings.js";
import type { GrantSource } from "./client/jobs/grants.js";
