// @ts-check
/**
 * The streams of one job as a page holds them: at each moment a beginning of what one attempt said.
 *
 * A `chunk` goes behind what is held; a `reset` keeps the first chunks and drops the others; a snapshot says from which place
 * on it has them. Where the server cannot say whether that is all, the stream is in doubt until a server can.
 */

/** @import { JobEvent, Snapshot } from "../frame.js" */

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/**
 * @param {string} name
 * @returns {string} The same.
 * @throws {RangeError} No stream may be called that.
 */
export function requireStreamName(name) {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new RangeError(`stream ${String(JSON.stringify(name)).slice(0, 100)}: a stream is called by 1 to 64 letters, digits, "_", "." and "-", and does not begin with a full stop or a hyphen`);
}

/**
 * @param {number} from
 * @returns {number} The same.
 * @throws {RangeError} It is no index of a chunk.
 */
export function requireChunkIndex(from) {
  if (Number.isSafeInteger(from) && from >= 0) return from;
  throw new RangeError(`from is ${from}: give the index of a chunk, a whole number from 0`);
}

/** How far one reader has come in a stream. */
export class ChunkPosition {
  /** Chunks that it has read are void, which it does not know yet. */
  voided = false;

  /** @param {number} index Of the next chunk. */
  constructor(index) {
    this.index = index;
  }

  /** Only the first chunks stay. @param {number} count */
  goBack(count) {
    if (this.index <= count) return;
    this.index = count;
    this.voided = true;
  }
}

/** One stream. */
export class HeldStream {
  /** The index of the first chunk held: above 0 where the job is watched after an event. */
  first = 0;
  /** @type {any[]} */
  chunks = [];
  /** Chunks may be missing. */
  inDoubt = false;
  /** The attempt that says it, as last heard; 0: none has been heard of. */
  attempt = 0;
  /** @type {Set<ChunkPosition>} */
  readers = new Set();
  #heard = false;
  /** @type {string[] | null} The text of the chunks so far, in pieces; null: it is to be made again. */
  #text = [];

  /** The index of the next chunk. */
  get count() {
    return this.first + this.chunks.length;
  }

  /**
   * The chunks joined.
   *
   * @throws {TypeError} They are not all text.
   */
  get text() {
    const pieces = this.#text ?? this.chunks;
    const other = pieces.find((chunk) => typeof chunk !== "string");
    if (other !== undefined) throw new TypeError("the chunks of this stream are not all text: read it by `stream` or `chunks`");
    const text = pieces.join("");
    this.#text = [text];
    return text;
  }

  /**
   * Takes chunks that an event brings.
   *
   * @param {number} index
   * @param {number} attempt
   * @param {any[]} chunks
   * @returns {boolean} Whether they leave a hole, which was not there before.
   */
  add(index, attempt, chunks) {
    this.#heard = true;
    if (this.inDoubt) return false;
    if (index !== this.count) return (this.inDoubt = true);
    this.attempt = attempt;
    for (const chunk of chunks) this.chunks.push(chunk);
    this.#text?.push(...chunks);
    return false;
  }

  /**
   * Keeps the first chunks, up to an index, and drops the others.
   *
   * @param {number} count
   * @param {number} attempt
   * @returns {boolean} Whether more are to be kept than there are, which was not known before.
   */
  keep(count, attempt) {
    this.#heard = true;
    this.attempt = attempt;
    if (count > this.count) return this.inDoubt ? false : (this.inDoubt = true);
    if (count < this.count) this.#text = null;
    this.chunks.length = Math.max(count - this.first, 0);
    this.first = Math.min(this.first, count);
    for (const reader of this.readers) reader.goBack(count);
    return false;
  }

  /**
   * Takes what a snapshot has: the chunks from an index on. What it repeats of those that are held stays as it is.
   *
   * @param {number} from
   * @param {number} attempt
   * @param {any[]} chunks
   */
  replaceFrom(from, attempt, chunks) {
    if (!this.#heard) { // of a watch that begins after an event the server has what comes later
      this.first = from;
      for (const reader of this.readers) reader.index = Math.max(reader.index, from);
    }
    if (from > this.count) return void this.keep(from, attempt);
    let same = 0;
    const held = Math.max(from - this.first, 0);
    if (from >= this.first) while (same < chunks.length && held + same < this.chunks.length && equal(this.chunks[held + same], chunks[same])) same += 1;
    this.inDoubt = false;
    this.keep(from + same, attempt);
    this.add(from + same, attempt, chunks.slice(same));
  }
}

/** The streams of one job. */
export class HeldStreams {
  /** @type {Map<string, HeldStream>} */
  #streams = new Map();

  /** @param {string} name @returns {HeldStream} One that the job has not written has no chunks. */
  get(name) {
    const stream = this.#streams.get(name) ?? new HeldStream();
    this.#streams.set(name, stream);
    return stream;
  }

  /** Whether chunks of some stream may be missing. */
  get inDoubt() {
    return [...this.#streams.values()].some((stream) => stream.inDoubt);
  }

  /**
   * @param {JobEvent} event A `chunk`, `chunks` or `reset`.
   * @returns {boolean} Whether something was lost on the way, which was not known before.
   */
  event({ event, data }) {
    const stream = this.get(data.stream);
    if (event === "reset") return stream.keep(data.keep, data.attempt);
    return stream.add(data.index, data.attempt, event === "chunk" ? [data.data] : data.data);
  }

  /**
   * Takes the streams of a snapshot; one without them is of a job that has none, or of a server that knows none.
   *
   * @param {Snapshot["streams"]} streams
   * @returns {string[]} The names of those that have changed.
   */
  snapshot(streams) {
    if (!streams) {
      for (const stream of this.#streams.values()) stream.inDoubt ||= stream.count > 0;
      return [];
    }
    const before = new Map([...this.#streams].map(([name, { count, attempt }]) => [name, `${count} ${attempt}`]));
    for (const [name, stream] of this.#streams) if (!Object.hasOwn(streams, name)) stream.replaceFrom(0, 0, []);
    for (const [name, { from, attempt, chunks }] of Object.entries(streams)) this.get(name).replaceFrom(from, attempt, chunks);
    return [...this.#streams].filter(([name, { count, attempt }]) => before.get(name) !== `${count} ${attempt}`).map(([name]) => name);
  }
}

/** @param {any} one @param {any} other Both JSON. */
const equal = (one, other) => one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
