// @ts-check
/**
 * A list that comes by pages, each asked for with the cursor of the one before.
 *
 * @template Row
 */
export class Paged {
  /** @type {Row[]} */
  rows = [];
  /** @type {string | null} */
  #cursor = "";
  /** @type {AbortController | null} */
  #asking = null;
  #ask;
  #changed;

  /**
   * @param {(cursor: string, signal: AbortSignal) => Promise<{rows: Row[], cursor: string | null}>} ask An empty cursor: from the beginning.
   * @param {(failed?: unknown) => void} changed There are more rows, or it could not be asked.
   */
  constructor(ask, changed) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** Whether all there are have come. */
  get complete() {
    return this.#cursor === null;
  }

  /** Whether a page is being asked for. */
  get asking() {
    return this.#asking !== null;
  }

  /** Begins again; what is there stays in sight until its successor comes. */
  async restart() {
    this.#asking?.abort();
    this.#asking = null;
    this.#cursor = "";
    await this.next(true);
  }

  /** Asks for the next page, unless one is being asked for or there is none. */
  async next(anew = false) {
    if (this.#asking || this.#cursor === null) return;
    const asking = this.#asking = new AbortController();
    try {
      const { rows, cursor } = await this.#ask(this.#cursor, asking.signal);
      if (asking.signal.aborted) return;
      this.rows = anew ? rows : [...this.rows, ...rows];
      this.#cursor = cursor;
      this.#asking = null;
      this.#changed();
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#cursor = null; // not again by itself: the operator decides
      this.#asking = null;
      this.#changed(error);
    }
  }

  stop() {
    this.#asking?.abort();
  }
}
