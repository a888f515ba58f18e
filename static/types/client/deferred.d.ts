/**
 * A promise settled from outside. A failure that no caller awaits is no unhandled rejection.
 *
 * @template T
 */
export class Deferred<T> {
    /** @type {(value: T) => void} */
    resolve: (value: T) => void;
    /** @type {(error: Error) => void} */
    reject: (error: Error) => void;
    /** @type {Promise<T>} */
    promise: Promise<T>;
}
