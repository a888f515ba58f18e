export class MessageReplay {
    /** @param {string | null} [resumed] The token of the job whose message the SDK resumes. */
    constructor(resumed?: string | null);
    /** Whether the SDK would need an earlier message, and there is none. */
    lacksEarlier: boolean;
    /** Whether the SDK has any part. */
    get begun(): boolean;
    /** Whether the SDK has the end of the message. */
    get finished(): boolean;
    /** @throws {TypeError} The SDK has what is void. */
    requireWhole(): void;
    /**
     * Takes the part that comes next.
     *
     * @param {Part} part
     * @returns {Part[]} What the SDK is to get.
     * @throws {TypeError} The SDK has what is void, and cannot drop it.
     */
    take(part: Part): Part[];
    /**
     * Takes note that only the first parts stay.
     *
     * @param {number} keep
     * @returns {Part[]} What the SDK is to get.
     * @throws {TypeError} As `take`.
     */
    goBack(keep: number): Part[];
    #private;
}
/**
 * One part of the UI message stream.
 */
export type Part = {
    type: string;
    [field: string]: any;
};
