/**
 * A problem document (RFC 9457).
 */
export type Problem = {
    /**
     * Stable, for programs.
     */
    code: string;
    /**
     * A short sentence, the same each time.
     */
    title: string;
    /**
     * What happened this time; for people.
     */
    detail: string;
    /**
     * `urn:tidings:problem:<code>`.
     */
    type: string;
    /**
     * HTTP status; 0 for a problem this client made itself.
     */
    status: number;
    /**
     * JSON Pointer to the offending part of the request.
     */
    field?: string | undefined;
    /**
     * The limit exceeded, in the unit that `detail` names.
     */
    limit?: number | undefined;
    /**
     * Seconds until another try makes sense.
     */
    retry_after?: number | undefined;
    trace_id?: string | undefined;
    /**
     * Of a saga that had to undo its work.
     */
    compensation?: "complete" | "incomplete" | undefined;
    errors?: object[] | undefined;
    /**
     * Of `stream_reset`: the stream, and of its chunks that were read the number that stays.
     */
    stream?: string | undefined;
    keep?: number | undefined;
    attempt?: number | undefined;
};
/**
 * Every limit of the connection; names end in the unit where there is one.
 */
export type Limits = {
    /**
     * Size of one frame from the client.
     */
    max_frame_bytes: number;
    /**
     * Submits waiting for their ack at one time.
     */
    max_in_flight: number;
    /**
     * Jobs watched at one time.
     */
    max_watches: number;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type Hello = {
    type: "hello";
    version?: number | undefined;
    connection?: string | undefined;
    /**
     * Null over HTTP, which has none.
     */
    limits: Limits | null;
    /**
     * False: the server wants an `auth` frame before any other.
     */
    authenticated?: boolean | undefined;
    /**
     * What the server takes beyond version 1: `submit.x` for a field, `x` for a frame.
     */
    features?: string[] | undefined;
};
/**
 * Where workers post what happens to a job.
 */
export type Webhook = {
    /**
     * `https://…`, at most 2048 characters.
     */
    url: string;
    /**
     * Default: those that end a job.
     */
    events?: ("progress" | "failed" | "succeeded" | "waiting" | "expired" | "cancelled" | "queued" | "started" | "log" | "step" | "retrying")[] | undefined;
    /**
     * Your own name for it, 1 to 64 letters, digits, `_` and `-`: each `webhook-id` begins with it.
     */
    id?: string | undefined;
    /**
     * Of the body; default `standard`.
     */
    format?: "standard" | "cloudevents" | undefined;
};
/**
 * The server's answer to a submission.
 */
export type Ack = {
    type: "ack";
    ref: number;
    token: string;
    status: string;
    /**
     * The job's newest number; events with a higher one follow.
     */
    seq: number;
    /**
     * The key was known: this is the earlier job.
     */
    duplicate: boolean;
    /**
     * Jobs ahead, approximate.
     */
    position?: number | null | undefined;
    /**
     * Seconds until it may start, approximate.
     */
    eta?: number | null | undefined;
    /**
     * The grant that the submission asked for.
     */
    grant?: IssuedGrant | undefined;
    /**
     * How the service falls short for this job at the moment, such as `circuit_open`.
     */
    degraded?: string | null | undefined;
};
/**
 * The client follows a tag.
 */
export type Following = {
    type: "following";
    ref: number;
    tag: string;
    /**
     * How many there are by now, whose snapshots come next.
     */
    jobs: number;
    /**
     * RFC 3339, by the store's clock: for `since`.
     */
    at: string;
};
/**
 * One job in the list of its owner.
 */
export type ListedJob = {
    token: string;
    kind: string;
    status: string;
    /**
     * How many have begun.
     */
    attempt: number;
    tags: string[];
    /**
     * RFC 3339, by the store's clock.
     */
    submitted: string;
    finished: string | null;
    correlation_id: string;
};
/**
 * One page of a list of jobs.
 */
export type JobPage = {
    /**
     * The newest first. Where few of many match, a page may hold less than was asked for, or
     * nothing, and yet have a `next`.
     */
    jobs: ListedJob[];
    /**
     * When it was read (RFC 3339, the store's clock).
     */
    at: string;
    /**
     * The `cursor` of the next page; null: this is the last.
     */
    next: string | null;
};
/**
 * Who bears it may do what it says.
 */
export type IssuedGrant = {
    grant: string;
    may: ("watch" | "cancel" | "signal")[];
    /**
     * RFC 3339, by the server's clock.
     */
    expires_at: string;
};
/**
 * Something that happened to a job.
 */
export type JobEvent = {
    token: string;
    /**
     * Rises strictly for one job.
     */
    seq: number;
    /**
     * `queued`, `started`, `progress`, `log`, `step`, `retrying`, `waiting`,
     * `chunk`, `chunks`, `reset`, `succeeded`, `failed`, `cancelled` or `expired`.
     */
    event: string;
    /**
     * The job's state after it.
     */
    status: string;
    /**
     * RFC 3339, by the store's clock; null for one made from a snapshot.
     */
    at: string | null;
    /**
     * What the event says: `{fraction, message, data}` of `progress`, the chunk
     * itself of `log`, `{result}` of `succeeded`, `{problem}` of `failed`, …
     */
    data: any;
};
/**
 * How far a job is.
 */
export type Progress = {
    /**
     * 0 to 1; null: unknown.
     */
    fraction: number | null;
    /**
     * A few words for people.
     */
    message?: string | null | undefined;
    /**
     * What the handler adds.
     */
    data?: any;
};
/**
 * All that is known of a job at one moment.
 */
export type Snapshot = {
    type: "snapshot";
    /**
     * Null: sent unasked, after events were lost on the way.
     */
    ref?: number | null | undefined;
    token: string;
    /**
     * Events resume above it.
     */
    seq: number;
    status: string;
    attempt: number;
    kind?: string | undefined;
    progress?: Progress | null | undefined;
    result?: any;
    problem?: Problem | null | undefined;
    /**
     * RFC 3339, by the store's clock.
     */
    milestones: Record<string, string>;
    /**
     * The chunks after the number asked for.
     */
    log?: {
        seq: number;
        at: string;
        data: any;
    }[] | undefined;
    /**
     * The log no longer reaches back to that number.
     */
    truncated?: boolean | undefined;
    /**
     * Of a saga, in the order of the program.
     */
    steps?: Step[] | undefined;
    /**
     * Of a saga that is held because its steps have changed: why it waits.
     */
    held?: Problem | undefined;
    /**
     * Its tags.
     */
    tags?: string[] | undefined;
    /**
     * By name, if it has written any: the
     * chunks from the index `from` on.
     */
    streams?: Record<string, {
        attempt: number;
        from: number;
        chunks: any[];
    }> | undefined;
    /**
     * The store knows less than was seen: writes were lost.
     */
    rewound?: boolean | undefined;
};
/**
 * One step of a saga. An event has path, name, type, status, child, undo_child and problem.
 */
export type Step = {
    /**
     * Its place in the program: `1`, `2`, …; in the first branch of a gather at 3: `3.1.1`, ….
     */
    path: string;
    name: string;
    type: "step" | "call" | "signal" | "sleep";
    status: "running" | "succeeded" | "failed" | "compensating" | "compensated" | "compensation_failed";
    /**
     * RFC 3339, by the store's clock.
     */
    began?: string | undefined;
    ended?: string | undefined;
    attempts?: number | undefined;
    worker?: string | undefined;
    /**
     * Token of the job that does it.
     */
    child?: string | undefined;
    kind?: string | undefined;
    input?: any;
    result?: any;
    problem?: Problem | undefined;
    /**
     * Of input and result, left out because they are large.
     */
    cut_bytes?: number | undefined;
    /**
     * What undoes it.
     */
    undo?: string | undefined;
    /**
     * Token of the job that does.
     */
    undo_child?: string | undefined;
};
/**
 * How the server and its store stand; `docs/reference/admin.md` has the fields.
 */
export type OverviewFrame = {
    type: "overview";
    /**
     * RFC 3339, by the store's clock.
     */
    at: string;
    queues: object[];
    kinds: object[];
    workers: object[];
    breakers: object[];
    latency: object[];
    connections: object;
    store: object;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type EventFrame = {
    type: "event";
} & JobEvent;
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type Done = {
    type: "done";
    ref: number;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type Pong = {
    type: "pong";
    ref: number;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type Alive = {
    type: "alive";
};
/**
 * `token`, `tag`: what it concerns, where it answers no frame.
 */
export type ErrorFrame = {
    type: "error";
    ref: number | null;
    problem: Problem;
    token?: string;
    tag?: string;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type GoAway = {
    type: "goaway";
    reason: string;
    reconnect_after: number;
};
/**
 * The frames of the subprotocol `tidings.v1.json`, as types. Nothing here runs.
 */
export type ServerFrame = Hello | Ack | Snapshot | EventFrame | Following | Done | Pong | Alive | ErrorFrame | GoAway | OverviewFrame;
