// @ts-check
/**
 * What the SDK has of a message that attempts of a job write. It can drop what follows the newest `start-step`
 * (`reset-step`) and no more: so what a later attempt writes again is compared, up to that part, with what the SDK has.
 * `message_replay.py` does the same for pages without this client.
 *
 * A message may go on with an earlier one, whose parts are not the job's. Where the SDK resumes it begins with nothing, and
 * gets them from the chunks that hold them. A worker of an earlier release wrote none: then it gets nothing.
 */

/** @typedef {{type: string, [field: string]: any}} Part One part of the UI message stream. */

/** The type of the chunks that hold an earlier message, as JSON text of its parts in pieces; `message_prefix.py` writes them. */
const EARLIER = "data-tidings-earlier";

const HEAD = new Set(["start", "message-metadata"]);

/** The SDK has parts that are void and cannot be dropped. It takes this for a lost connection, after which pages resume. */
const lost = () => new TypeError("network: an earlier step of the message is written again; resume the stream");

export class MessageReplay {
  /** @type {Part[]} What the SDK has, in order. */
  #sent = [];
  /** The index of the part that comes next. */
  #count = 0;
  /** The index of the newest `start-step`; -1: the SDK has none. */
  #step = -1;
  /** Whether the SDK has parts that make the message, before any step. */
  #beyondHead = false;
  /** Whether what comes is compared with what the SDK has. */
  #comparing = false;
  /** The token of the job whose message the SDK resumes; null: it has asked, and has what is gone on with. @type {string | null} */
  #resumed;
  /** The `start` of a message that goes on with an earlier one, until it is known whether that one is there. @type {Part | null} */
  #start = null;
  /** The pieces of the earlier message, until it is whole. */
  #earlier = "";
  /** Whether the SDK would need an earlier message, and there is none. */
  lacksEarlier = false;

  /** @param {string | null} [resumed] The token of the job whose message the SDK resumes. */
  constructor(resumed = null) {
    this.#resumed = resumed;
  }

  /** Whether the SDK has any part. */
  get begun() {
    return this.#sent.length > 0;
  }

  /** Whether the SDK has the end of the message. */
  get finished() {
    return !this.#comparing && this.#sent.some(({ type }) => type === "finish");
  }

  /** @throws {TypeError} The SDK has what is void. */
  requireWhole() {
    if (this.#comparing) throw lost();
  }

  /**
   * Takes the part that comes next.
   *
   * @param {Part} part
   * @returns {Part[]} What the SDK is to get.
   * @throws {TypeError} The SDK has what is void, and cannot drop it.
   */
  take(part) {
    const index = this.#count++;
    if (typeof part?.type !== "string") throw new Error(`the handler wrote to the stream \`ui\` what is no part of a message`);
    if (this.#comparing) {
      if (JSON.stringify(part) !== JSON.stringify(this.#sent[index])) throw lost();
      return index === this.#step ? this.#drop() : [];
    }
    this.#sent.push(part);
    const instead = this.#resumed === null ? null : this.#insteadOf(part, this.#resumed);
    if (instead) return instead;
    if (part.type === EARLIER) return [];
    if (part.type === "start-step") this.#step = index;
    else if (this.#step < 0 && !HEAD.has(part.type)) this.#beyondHead = true;
    return [part];
  }

  /**
   * @param {Part} part
   * @param {string} token
   * @returns {Part[] | null} What the SDK is to get in its place where it resumes; null: the part itself.
   */
  #insteadOf(part, token) {
    if (part.type === "start" && this.#step < 0 && !this.#beyondHead) {
      this.#start = part.messageId === undefined || part.messageId === token ? null : part;
      return this.#start && [];
    }
    if (part.type !== EARLIER) {
      this.lacksEarlier ||= this.#start !== null;
      return this.lacksEarlier ? [] : null;
    }
    this.#earlier += part.data.text;
    if (!part.data.last || !this.#start) return [];
    const parts = [this.#start, ...JSON.parse(this.#earlier)];
    this.#beyondHead = true;
    this.#forgetEarlier();
    return parts;
  }

  #forgetEarlier() {
    this.#start = null;
    this.#earlier = "";
  }

  /**
   * Takes note that only the first parts stay.
   *
   * @param {number} keep
   * @returns {Part[]} What the SDK is to get.
   * @throws {TypeError} As `take`.
   */
  goBack(keep) {
    this.#count = keep;
    if (this.#step < 0) this.#forgetEarlier();
    if (this.#comparing) return [];
    if (this.#step < 0) {
      if (this.#beyondHead) throw lost();
      this.#sent.length = keep;
      return [];
    }
    if (keep > this.#step) {
      const kept = this.#sent.slice(this.#step + 1, keep);
      return [...this.#drop(), ...this.#again(kept)];
    }
    this.#comparing = true;
    return [];
  }

  /** @returns {Part[]} */
  #drop() {
    this.#comparing = false;
    this.#sent.length = this.#step + 1;
    return [{ type: "reset-step" }];
  }

  /** @param {Part[]} parts */
  #again(parts) {
    this.#sent.push(...parts);
    return parts;
  }
}
