/**
 * @param {GrantSource | undefined} source
 * @returns {Promise<string>} A grant from it.
 */
export function grantFrom(source: GrantSource | undefined): Promise<string>;
export function tagKey(tag: string): string;
export function tagOf(key: string): string | null;
export class Grants {
    /**
     * @param {string} key
     * @param {GrantSource} source
     */
    keep(key: string, source: GrantSource): void;
    /** @param {string} key */
    forget(key: string): void;
    /**
     * Has a job go by the grant of a tag, if there is one.
     *
     * @param {string} token
     * @param {string} key The tag's.
     */
    lend(token: string, key: string): void;
    /** @param {string} key @returns {string[]} The tokens of the jobs that go by the grant of a tag. */
    lentBy(key: string): string[];
    /** @param {string} token Of a job that goes by the grant of a tag no longer. */
    part(token: string): void;
    /** @param {string} token @returns {string} The key under which its grant is kept. */
    keyOf(token: string): string;
    /** What may be asked for a credential where the page has none; undefined: nothing. */
    get credential(): (() => Promise<string>) | undefined;
    /** The keys whose grant is what it is. */
    get fixed(): string[];
    /** @param {string} key */
    renews(key: string): boolean;
    /**
     * Whether a grant has to be fetched before the job, or the tag, is asked for.
     *
     * @param {string} key
     */
    lacks(key: string): boolean;
    /**
     * Returns the field of a frame that concerns a job or a tag.
     *
     * @param {string} key
     * @returns {{grant?: string}}
     */
    field(key: string): {
        grant?: string;
    };
    /**
     * @param {string} key
     * @returns {Promise<string>}
     */
    fetch(key: string): Promise<string>;
    /** A connection is gone: who is asked next time is to give a fresh one. */
    interrupt(): void;
    #private;
}
/**
 * A grant; or what returns a fresh one.
 */
export type GrantSource = string | (() => string | Promise<string>);
