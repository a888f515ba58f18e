// @ts-check
/**
 * What the SDK has of a message that attempts of a job write. It can drop what follows the newest `start-step`
 * (`reset-step`) and no more: so what a later attempt writes again is compared, up to that part, with what the SDK has.
 * `message_replay.py` does the same for pages without this client.
 */

/** @typedef {{type: string, [field: string]: any}} Part One part of the UI message stream. */

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
    if (part.type === "start-step") this.#step = index;
    else if (this.#step < 0 && !HEAD.has(part.type)) this.#beyondHead = true;
    this.#sent.push(part);
    return [part];
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
