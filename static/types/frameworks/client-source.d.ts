/**
 * @param {ClientSource | null | undefined} source
 * @param {string} advice What an application does that has forgotten it.
 * @returns {ClientSource}
 */
export function requireSource(source: ClientSource | null | undefined, advice: string): ClientSource;
/** @typedef {{client: Tidings} | {url?: string | URL, options?: Options}} ClientChoice A client, or how to make one. */
export class ClientSource {
    /** @param {ClientChoice} choice */
    constructor(choice: ClientChoice);
    /** The client. It connects when it is made, so pages that are rendered on a server do not ask for it. */
    get client(): Tidings;
    /** Closes a client that was made here. */
    close(): void;
    #private;
}
/**
 * A client, or how to make one.
 */
export type ClientChoice = {
    client: Tidings;
} | {
    url?: string | URL;
    options?: Options;
};
import { Tidings } from "../tidings.js";
import type { Options } from "../tidings.js";
