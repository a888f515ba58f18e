export const CLOSED: Problem;
export class Requests {
    /**
     * @param {() => Connection} connection Returns what carries them.
     * @param {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after back-off.
     */
    constructor(connection: () => Connection, later: (again: () => void, tries: number, problem: Problem) => void);
    /** @type {Limits | null} As the server's greeting has them; null before it, and over HTTP. */
    limits: Limits | null;
    /** Whether no caller waits for an answer. */
    get idle(): boolean;
    /**
     * @param {Call["type"]} type
     * @param {object} fields
     * @param {{answered?: (frame: any) => void, refused?: (problem: Problem) => void, carried?: boolean}} [outcome]
     * @returns {Call}
     */
    make(type: Call["type"], fields: object, { answered, refused, carried }?: {
        answered?: (frame: any) => void;
        refused?: (problem: Problem) => void;
        carried?: boolean;
    }): Call;
    /** @param {Call} call */
    ask(call: Call): void;
    pump(): void;
    /**
     * Takes a call back that was never sent.
     *
     * @param {Call} call
     * @returns {boolean} Whether it could be.
     */
    withdraw(call: Call): boolean;
    /** @param {Extract<ServerFrame, {ref?: number | null}>} frame */
    answered(frame: Extract<ServerFrame, {
        ref?: number | null;
    }>): void;
    /**
     * @param {number | null} ref
     * @param {Problem} problem
     * @returns {boolean} Whether it is of a call.
     */
    refused(ref: number | null, problem: Problem): boolean;
    /** Refuses what by now must have been meant by a refusal that did not say of what it was. */
    settle(): void;
    /**
     * The transport is gone: what it did not answer goes first on the next.
     *
     * @param {boolean} abrupt Perhaps because of what was sent.
     */
    lost(abrupt: boolean): void;
    /** @param {Problem} problem Why nothing is answered any more. */
    end(problem: Problem): void;
    #private;
}
import type { Problem } from "../frame.js";
import type { Limits } from "../frame.js";
import type { Call } from "./calls.js";
import type { ServerFrame } from "../frame.js";
import type { Connection } from "./connection.js";
