// @ts-check
/**
 * One connection for all tabs of a browser: a socket that is held by a shared worker.
 *
 *     import { sharedSocket } from "/static/shared.js";
 *     const tidings = new Tidings(url, { WebSocket: sharedSocket() });
 *
 * The tab's client knows no difference: what it has is a socket. All that share it are one caller:
 * give the credential here, not to `Tidings`.
 */

/**
 * Returns what `new Tidings(url, { WebSocket })` takes: a socket that all tabs share, held by a shared worker.
 *
 * @param {object} [options]
 * @param {() => string | null | undefined | Promise<string | null | undefined>} [options.credential] As of `Tidings`; the
 *   worker asks one of the tabs.
 * @returns {new (url: string, protocol: string) => WebSocket}
 */
export function sharedSocket({ credential } = {}) {
  /** As much of a WebSocket as the client uses. */
  class SharedSocket {
    /** What a tab shows where it asks by itself, over HTTP: for its lists of jobs. */
    static credential = credential;
    /** @type {(event: {data: string}) => void} */
    onmessage = () => {};
    /** @type {(event: {code: number, reason: string}) => void} */
    onclose = () => {};
    /** @type {MessagePort} */
    #port;
    #leave = () => {};

    /** @param {string} url */
    constructor(url) {
      const worker = new SharedWorker(new URL("./shared-worker.js", import.meta.url), { type: "module", name: "tidings" });
      this.#port = worker.port;
      this.#port.onmessage = ({ data }) => this.#receive(data);
      // No event says that a tab is gone; but its locks are free then.
      const lock = `tidings-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
      void navigator.locks.request(lock, () => new Promise((resolve) => {
        this.#leave = () => resolve(null);
        this.#port.postMessage({ type: "open", url, lock, asks: credential !== undefined });
      }));
    }

    /** @param {string} text */
    send(text) {
      this.#port.postMessage(JSON.parse(text));
    }

    close() {
      this.#leave();
    }

    /** @param {any} frame One of the contract's, or a word of the worker's own. */
    async #receive(frame) {
      if (frame.type === "close") return this.onclose(frame);
      if (frame.type !== "credential") return this.onmessage({ data: JSON.stringify(frame) });
      try {
        this.#port.postMessage({ type: "credential", credential: await credential?.() });
      } catch (error) {
        this.#port.postMessage({ type: "credential", problem: String(error) });
      }
    }
  }
  return /** @type {any} */ (SharedSocket);
}
