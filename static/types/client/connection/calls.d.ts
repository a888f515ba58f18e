export class Calls {
    /** Whether no caller waits for an answer. */
    get idle(): boolean;
    /** @param {Call} call */
    add(call: Call): void;
    /**
     * Sends what may be sent.
     *
     * @param {(call: Call) => boolean} send Returns false if it settled the call instead.
     * @param {Limits | null} limits
     */
    pump(send: (call: Call) => boolean, limits: Limits | null): void;
    /**
     * Takes out the call that is being answered.
     *
     * @param {number | null | undefined} ref
     * @returns {Call | undefined}
     */
    take(ref: number | null | undefined): Call | undefined;
    /**
     * Takes out a call that was never sent.
     *
     * @param {Call} call
     * @returns {boolean} Whether it could be.
     */
    withdraw(call: Call): boolean;
    /**
     * Keeps a call that was taken out because of a refusal, if it is to be sent again.
     *
     * @param {Call} call
     * @param {Problem} problem
     * @returns {boolean} Whether it is.
     */
    postpone(call: Call, problem: Problem): boolean;
    /** @param {Call} call One that was postponed; another connection may have got it since. */
    resume(call: Call): void;
    /**
     * A refusal came that does not say of what: it is of the call that has no answer when all others have.
     *
     * @param {Problem} problem
     * @returns {boolean} Whether there is one that it may be of.
     */
    unread(problem: Problem): boolean;
    /** Refuses what by now must have been meant. */
    settle(): void;
    /**
     * The socket broke: what it did not answer goes first on the next.
     *
     * @param {boolean} abrupt Perhaps because of what was sent.
     * @returns {Call[]} What has broken every one, and is not sent again.
     */
    requeue(abrupt: boolean): Call[];
    /** @returns {Call[]} All there are, taken out. */
    clear(): Call[];
    #private;
}
export type Call = {
    ref: number;
    /**
     * The frame. Made once, so that it is the same if it is sent again.
     */
    text: string;
    type: "submit" | "cancel" | "signal" | "watch" | "unwatch" | "follow" | "unfollow" | "observe" | "unobserve";
    /**
     * Of a `watch`: a tag that is followed brings the job's events too.
     */
    carried?: boolean | undefined;
    /**
     * It was sent at least once: the server may know of it.
     */
    sent?: boolean | undefined;
    answered: (frame: any) => void;
    refused: (problem: Problem) => void;
    /**
     * Connections that broke while it was under way.
     */
    broken?: number | undefined;
    /**
     * How often replicas of the store had not confirmed it.
     */
    unconfirmed?: number | undefined;
};
import type { Limits } from "../frame.js";
import type { Problem } from "../frame.js";
