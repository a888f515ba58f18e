/**
 * @typedef {object} Renewing
 * @property {(key: string) => boolean} followed Whether anything that the grant of a key opens is still followed.
 * @property {(key: string) => void} start Asks for a job, or the key of a tag, with the grant that was fetched.
 * @property {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after back-off, if there
 *   is still a connection then.
 * @property {(problem: Problem) => void} complain
 * @property {(key: string, problem: Problem) => void} expired The grant is over, and there is no other.
 */
export class GrantRenewal {
    /** @param {Renewing} asking */
    constructor(asking: Renewing);
    grants: Grants;
    /**
     * Whether something can be asked for now; if not, its grant is fetched first, and `start` called then.
     *
     * @param {string} key Of the grant.
     * @param {string} wanted What is to be asked for: a token, or the key of a tag.
     */
    ready(key: string, wanted: string): boolean;
    /**
     * Takes the server's warning of a grant's end, or the end.
     *
     * @param {string} key
     * @param {Problem} problem `grant_expiring` or `grant_expired`.
     * @returns {boolean} Whether another grant will do; if not, only an end that has come ends what it opened.
     */
    warned(key: string, problem: Problem): boolean;
    /** The server did not take the grant that was shown: one that is what it is will not do on the next connection either. */
    refused(): void;
    #private;
}
export type Renewing = {
    /**
     * Whether anything that the grant of a key opens is still followed.
     */
    followed: (key: string) => boolean;
    /**
     * Asks for a job, or the key of a tag, with the grant that was fetched.
     */
    start: (key: string) => void;
    /**
     * Calls `again` after back-off, if there
     * is still a connection then.
     */
    later: (again: () => void, tries: number, problem: Problem) => void;
    complain: (problem: Problem) => void;
    /**
     * The grant is over, and there is no other.
     */
    expired: (key: string, problem: Problem) => void;
};
import { Grants } from "../jobs/grants.js";
import type { Problem } from "../frame.js";
