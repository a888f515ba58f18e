export class FoundJobs {
    /**
     * @param {Follows} follows
     * @param {Watches} watches
     * @param {Orders} orders
     * @param {Grants} grants
     * @param {() => boolean} writable Whether frames can be sent now.
     */
    constructor(follows: Follows, watches: Watches, orders: Orders, grants: Grants, writable: () => boolean);
    /**
     * Makes the job of a snapshot.
     *
     * @param {string} tag By which it was found.
     * @param {Snapshot} snapshot
     */
    open(tag: string, snapshot: Snapshot): {
        tracked: {
            job: Job;
            inlet: import("./events.js").Inlet;
            bind: (link: import("./events.js").Link) => void;
        };
        begin: (changed: boolean) => void;
    };
    /** @param {string} key Of a tag, whose grant may be of no use any more. */
    tidy(key: string): void;
    #private;
}
import type { Snapshot } from "../frame.js";
import { Job } from "./job.js";
import type { Follows } from "./follows.js";
import type { Watches } from "./watches.js";
import type { Orders } from "./orders.js";
import type { Grants } from "./grants.js";
