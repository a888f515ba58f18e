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
export function sharedSocket({ credential }?: {
    credential?: (() => string | null | undefined | Promise<string | null | undefined>) | undefined;
}): new (url: string, protocol: string) => WebSocket;
