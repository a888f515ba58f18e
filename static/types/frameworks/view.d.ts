/**
 * What a component shows, and who is to hear when that changes.
 *
 * A view is fed while a component listens. Frameworks take a component down and put it up again at once (React in strict
 * mode, hot reloads): a view waits for a turn before it stops, so that what feeds it stays.
 *
 * @template State
 */
export class View<State> {
    /** @param {State} seen What there is to see at first. */
    constructor(seen: State);
    /** The newest state: another object whenever it has changed. */
    get seen(): State;
    /**
     * @param {() => void} listener Called whenever the state has changed.
     * @returns {() => void} Call it to hear no more.
     */
    subscribe(listener: () => void): () => void;
    /** A component listens, perhaps not the first. */
    begin(): void;
    /** No component listens any more. */
    stop(): void;
    /** @param {State} state */
    become(state: State): void;
    #private;
}
