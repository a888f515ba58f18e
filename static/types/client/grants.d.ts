/** The grants by which jobs are watched that the page's credential, if it has one, does not open. */
/** @typedef {string | (() => string | Promise<string>)} GrantSource A grant; or what returns a fresh one. */
export class Grants {
    /**
     * @param {string} token
     * @param {GrantSource} source
     */
    keep(token: string, source: GrantSource): void;
    /** @param {string} token */
    forget(token: string): void;
    /** What may be asked for a credential where the page has none; undefined: nothing. */
    get credential(): (() => Promise<string>) | undefined;
    /** The tokens whose grant is what it is. */
    get fixed(): string[];
    /** @param {string} token */
    renews(token: string): boolean;
    /**
     * Whether a grant has to be fetched before the job is asked for.
     *
     * @param {string} token
     */
    lacks(token: string): boolean;
    /**
     * Returns the field of a frame that concerns a job.
     *
     * @param {string} token
     * @returns {{grant?: string}}
     */
    field(token: string): {
        grant?: string;
    };
    /**
     * @param {string} token
     * @returns {Promise<string>}
     */
    fetch(token: string): Promise<string>;
    /** A connection is gone: who is asked next time is to give a fresh one. */
    interrupt(): void;
    #private;
}
/**
 * A grant; or what returns a fresh one.
 */
export type GrantSource = string | (() => string | Promise<string>);
