/**
 * @param {GrantSource | undefined} source
 * @returns {Promise<string>} A grant from it.
 */
export function grantFrom(source: GrantSource | undefined): Promise<string>;
export function tagKey(tag: string): string;
export function tagOf(key: string): string | null;
export class Grants {
    /** @param {(key: string) => boolean} followed Whether anything that a grant opens is still followed. */
    constructor(followed: (key: string) => boolean);
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
    /**
     * Returns what is asked for a credential where the page has none; undefined: nothing.
     *
     * A grant of what the page follows: one of a job that has ended may have run out, and a callback may refuse to renew it.
     *
     * @param {boolean} asked Whether a call waits: it may concern a job that is followed no longer.
     * @returns {(() => Promise<string>) | undefined}
     */
    credential(asked: boolean): (() => Promise<string>) | undefined;
    /** The key of the grant that was last shown for a credential, if it is what it is; null: there is none. */
    get shownText(): string | null;
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
