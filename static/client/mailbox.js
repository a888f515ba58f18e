// @ts-check
/**
 * An asynchronous iterator fed from outside. What is put in while nobody waits is kept, all of it:
 * one job's events, for as long as its reader holds the iterator.
 *
 * @template T
 * @implements {AsyncIterableIterator<T>}
 */
export class Mailbox {
  /** @type {T[]} */
  #items = [];
  /** @type {{resolve: (result: IteratorResult<T>) => void, reject: (error: Error) => void}[]} */
  #readers = [];
  /** @type {{error: Error | null} | null} */
  #end = null;
  /** @type {() => void} */
  #onleave;

  /** @param {() => void} [onleave] Called when the reader leaves early. */
  constructor(onleave = () => {}) {
    this.#onleave = onleave;
  }

  /** @param {T} item */
  put(item) {
    if (this.#end) return;
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ value: item, done: false });
    else this.#items.push(item);
  }

  /**
   * Nothing follows what was put in; with an error, the reader is told after the last item.
   *
   * @param {Error | null} [error]
   */
  end(error = null) {
    if (this.#end) return;
    this.#end = { error };
    for (const reader of this.#readers.splice(0)) {
      if (this.#end.error) reader.reject(this.#takeError());
      else reader.resolve({ value: undefined, done: true });
    }
  }

  /** @returns {Promise<IteratorResult<T>>} */
  next() {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    if (this.#end?.error) return Promise.reject(this.#takeError());
    if (this.#end) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => void this.#readers.push({ resolve, reject }));
  }

  /** @returns {Promise<IteratorResult<T>>} */
  return() {
    this.#items = [];
    this.end();
    this.#onleave();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Error} The error, once: an iterator throws and is then at its end. */
  #takeError() {
    const error = /** @type {Error} */ (this.#end?.error);
    this.#end = { error: null };
    return error;
  }
}
