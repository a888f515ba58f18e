/**
 * Listeners, by the name of their event.
 *
 * @template {Record<string, any>} Events Event name → what its listeners are given.
 */
export class Emitter<Events extends Record<string, any>> {
    /**
     * Calls `listener` at each `name`, until the function returned is called.
     *
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {(event: Events[Name]) => void} listener
     * @returns {() => void}
     */
    on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
    /**
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {Events[Name]} event
     */
    emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
    /**
     * Whether there is a listener.
     *
     * @param {keyof Events} name
     */
    heard(name: keyof Events): boolean;
    #private;
}
