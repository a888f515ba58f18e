// @ts-check
/**
 * A promise settled from outside, made only when someone asks for it.
 *
 * Thus a failure nobody asked about is no unhandled rejection, and one somebody asked about and
 * then dropped still is.
 *
 * @template T
 */
export class Deferred {
  /** @type {((resolve: (value: T) => void, reject: (error: Error) => void) => void) | null} */
  #settle = null;
  /** @type {Promise<T> | null} */
  #promise = null;
  /** @type {{resolve: (value: T) => void, reject: (error: Error) => void} | null} */
  #waiting = null;

  /** @returns {Promise<T>} */
  get promise() {
    this.#promise ??= new Promise((resolve, reject) => {
      if (this.#settle) this.#settle(resolve, reject);
      else this.#waiting = { resolve, reject };
    });
    return this.#promise;
  }

  /** @param {T} value */
  resolve(value) {
    this.#decide((resolve) => resolve(value));
  }

  /** @param {Error} error */
  reject(error) {
    this.#decide((_, reject) => reject(error));
  }

  /** @param {(resolve: (value: T) => void, reject: (error: Error) => void) => void} settle */
  #decide(settle) {
    if (this.#settle) return;
    this.#settle = settle;
    if (this.#waiting) settle(this.#waiting.resolve, this.#waiting.reject);
  }
}
