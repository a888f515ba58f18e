/**
 * Returns where the paths of HTTP begin.
 *
 * @param {URL} url Of the socket.
 */
export function besides(url: URL): string;
/**
 * @typedef {object} Ear
 * @property {(frame: ServerFrame) => void} frame
 * @property {(code: number, reason: string, awayS?: number) => void} lost It is over; `awayS`: seconds
 *   the server wants us to stay away.
 *
 * @typedef {object} Transport
 * @property {boolean} proven It has carried something: a failure is no sign that it cannot be used here.
 * @property {boolean} quiet Nothing is on its way: silence means nothing.
 * @property {() => void} open
 * @property {(text: string, carried?: boolean) => void} send
 * @property {() => void} close
 *
 * @typedef {new (url: URL, world: Surroundings, ear: Ear) => Transport} TransportClass
 */
/** @implements {Transport} */
export class SocketTransport implements Transport {
    /**
     * @param {URL} url
     * @param {Surroundings} world
     * @param {Ear} ear
     */
    constructor(url: URL, world: Surroundings, ear: Ear);
    proven: boolean;
    quiet: boolean;
    open(): void;
    /** @param {string} text */
    send(text: string): void;
    close(): void;
    #private;
}
export type Ear = {
    frame: (frame: ServerFrame) => void;
    /**
     * It is over; `awayS`: seconds
     * the server wants us to stay away.
     */
    lost: (code: number, reason: string, awayS?: number) => void;
};
export type Transport = {
    /**
     * It has carried something: a failure is no sign that it cannot be used here.
     */
    proven: boolean;
    /**
     * Nothing is on its way: silence means nothing.
     */
    quiet: boolean;
    open: () => void;
    send: (text: string, carried?: boolean) => void;
    close: () => void;
};
export type TransportClass = new (url: URL, world: Surroundings, ear: Ear) => Transport;
import type { Surroundings } from "./connection.js";
import type { ServerFrame } from "../frame.js";
