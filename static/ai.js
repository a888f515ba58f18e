// @ts-check
/**
 * Chats of the AI SDK over Tidings: a transport for `useChat`.
 *
 *     import { useChat } from "@ai-sdk/react";
 *     import { Tidings } from "tidings";
 *     import { ChatTransport } from "tidings/ai";
 *
 *     const transport = new ChatTransport({ client: new Tidings("https://jobs.example.com"), kind: "answer" });
 *     const chat = useChat({ id, transport, resume: true });
 *     const stop = async () => { await transport.cancel(id); chat.stop(); };
 *
 * A message goes on over reloads, lost connections and servers that leave. Only `cancel` stops the job: the SDK's own
 * `stop`, which it calls on an unmount too, ends the reading.
 */

/** @import { GrantSource } from "./client/jobs/grants.js" */
/** @import { Job } from "./client/jobs/job.js" */
/** @import { Tidings } from "./client/tidings.js" */
import { messageStream } from "./chat/message-stream.js";
import { TERMINAL } from "./client/codes.js";

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
  /** A resume shows the message from its beginning. @type {true} */
  resumeStreamIsReplay = true;
  #client;
  #kind;
  #resume;
  #tags;
  #grant;
  /** @type {Map<string, Job>} The job that writes in each chat, as last known here. */
  #jobs = new Map();

  /** @param {ChatOptions} options */
  constructor({ client, kind, resume = "running", tags = [], grant }) {
    this.#client = client;
    this.#kind = kind;
    this.#resume = resume;
    this.#tags = tags;
    this.#grant = grant;
  }

  /**
   * Asks, and returns the message as it is written.
   *
   * @param {Asked} asked
   * @returns {Promise<ReadableStream<any>>} Parts of the UI message stream. Rejects with a TidingsError if the server refuses.
   */
  async sendMessages({ trigger, chatId, messageId, messages, abortSignal, body }) {
    const chat = { id: chatId, messages, trigger, ...(messageId !== undefined && { messageId }) };
    const job = this.#client.submit(this.#kind, { ...body, chat }, { tags: [tagOf(chatId), ...this.#tags] });
    this.#jobs.set(chatId, job);
    await job.accepted;
    return messageStream(job, abortSignal);
  }

  /**
   * Returns the message that is being written in a chat, from its beginning; null: none is.
   *
   * @param {{chatId: string, abortSignal?: AbortSignal}} of
   * @returns {Promise<ReadableStream<any> | null>} Rejects with a TidingsError if the server cannot say.
   */
  async reconnectToStream({ chatId, abortSignal }) {
    const newest = await this.#newest(chatId);
    if (!newest || abortSignal?.aborted) return null;
    if (this.#resume === "running" && TERMINAL.has(newest.status)) return null;
    const job = this.#watch(chatId, newest.token);
    this.#jobs.set(chatId, job);
    return messageStream(job, abortSignal, true);
  }

  /**
   * Stops what is being written in a chat; then call the SDK's `stop()`. Resolves when the server has taken note.
   *
   * @param {string} chatId
   * @returns {Promise<boolean>} Whether something was being written.
   */
  async cancel(chatId) {
    const job = await this.job(chatId);
    if (!job) return false;
    try {
      await job.cancel();
      return true;
    } catch (error) {
      if (/** @type {{code?: string}} */ (error).code === "already_finished") return false;
      throw error;
    }
  }

  /**
   * The job that is writing in a chat, for a signal or its progress; null: none is.
   *
   * @param {string} chatId
   * @returns {Promise<Job | null>}
   */
  async job(chatId) {
    const known = this.#jobs.get(chatId);
    if (known && !known.finished) return known;
    const newest = await this.#newest(chatId);
    return newest && !TERMINAL.has(newest.status) ? this.#watch(chatId, newest.token) : null;
  }

  /** Nothing: the client is the page's. */
  close() {}

  /** @param {string} chatId @param {string} token */
  #watch(chatId, token) {
    return this.#client.watch(token, { grant: this.#grant?.(chatId) });
  }

  /** @param {string} chatId */
  async #newest(chatId) {
    const { jobs } = await this.#client.jobs({ tag: tagOf(chatId), kind: this.#kind, limit: 1, grant: this.#grant?.(chatId) });
    return jobs[0];
  }
}

/** @param {string} chatId */
const tagOf = (chatId) => `chat:${chatId}`;
