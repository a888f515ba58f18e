// @ts-check
/**
 * Who wants to hear of what.
 *
 * @template {Record<string, any>} Events Event name → what its listeners are given.
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<{listener: (event: any) => void}>>} */
  #entries = new Map();

  /**
   * Calls `listener` at each `name`, until the function returned is called.
   *
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const entry = { listener };
    const entries = this.#entries.get(name) ?? new Set();
    this.#entries.set(name, entries.add(entry));
    return () => void entries.delete(entry);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} event
   */
  emit(name, event) {
    for (const { listener } of [...(this.#entries.get(name) ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // A listener's mistake is its owner's to see, and must not stop the connection.
        queueMicrotask(() => { throw error; });
      }
    }
  }
}
