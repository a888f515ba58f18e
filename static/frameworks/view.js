// @ts-check
/**
 * What a component shows, and who is to hear when that changes.
 *
 * A view is fed while a component listens. Frameworks take a component down and put it up again at once (React in strict
 * mode, hot reloads): a view waits for a turn before it stops, so that what feeds it stays.
 *
 * @template State
 */
export class View {
  #seen;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {State} seen What there is to see at first. */
  constructor(seen) {
    this.#seen = seen;
  }

  /** The newest state: another object whenever it has changed. */
  get seen() {
    return this.#seen;
  }

  /**
   * @param {() => void} listener Called whenever the state has changed.
   * @returns {() => void} Call it to hear no more.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    this.begin();
    return () => {
      this.#listeners.delete(listener);
      setTimeout(() => {
        if (this.#listeners.size === 0) this.stop();
      });
    };
  }

  // For the views that are made of it.

  /** A component listens, perhaps not the first. */
  begin() {}

  /** No component listens any more. */
  stop() {}

  /** @param {State} state */
  become(state) {
    this.#seen = state;
    for (const listener of [...this.#listeners]) listener();
  }
}
