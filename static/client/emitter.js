// @ts-check
/**
 * Listeners, by the name of their event.
 *
 * @template {Record<string, any>} Events Event name → what its listeners are given.
 */
export class Emitter {
  /** @type {Set<{name: keyof Events, listener: (event: any) => void}>} */
  #entries = new Set();

  /**
   * Calls `listener` at each `name`, until the function returned is called.
   *
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const entry = { name, listener };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} event
   */
  emit(name, event) {
    for (const entry of [...this.#entries]) {
      if (entry.name !== name) continue;
      try {
        entry.listener(event);
      } catch (error) {
        // A listener's mistake is its owner's to see, and must not stop the connection.
        queueMicrotask(() => { throw error; });
      }
    }
  }
  /**
   * Whether there is a listener.
   *
   * @param {keyof Events} name
   */
  heard(name) {
    for (const entry of this.#entries) if (entry.name === name) return true;
    return false;
  }
}
