export class Orders {
    /**
     * @param {Requests} requests
     * @param {Watches} watches
     * @param {Grants} grants By which jobs are told that the page's credential does not open.
     */
    constructor(requests: Requests, watches: Watches, grants: Grants);
    /**
     * Returns how a job reaches the connection.
     *
     * @param {TrackedJob} entry
     * @param {Call} [submit] What submitted it, if this client did.
     * @returns {Link}
     */
    link(entry: TrackedJob, submit?: Call): Link;
    #private;
}
import type { TrackedJob } from "./watches.js";
import type { Call } from "../connection/calls.js";
import type { Link } from "./events.js";
import type { Requests } from "../connection/requests.js";
import type { Watches } from "./watches.js";
import type { Grants } from "./grants.js";
