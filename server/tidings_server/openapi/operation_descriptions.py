"""What each operation of the HTTP interface does, for the OpenAPI document: more than its summary says."""

DESCRIPTIONS: dict[str, str] = {
    "submitJob": "Answers 202 with the ack as soon as the job is durably queued. With `Prefer: wait=N` it answers 200 "
    "with the outcome if that comes within N seconds. A repeated submission with the same `Idempotency-Key` gets the "
    "first one's token.",
    "submitJobs": "Answers with an ack or a problem for each submission, in their order. A submission that the server "
    "refuses stops no other.",
    "listJobs": "The jobs as they are kept for their owner: filters narrow the page, `next` is the cursor of the next "
    "one.",
    "getJob": "Answers at once; with `Prefer: wait=N` and `If-None-Match` as soon as the job has news, or 304 after N "
    "seconds. With `after` the log begins behind that event.",
    "cancelJob": "Asks a job to stop: the outcome comes as an event. With `forget=true` the server removes what the "
    "store keeps of a job that has ended.",
    "listDeliveries": "What the webhooks of the job were sent, with all tries, in the order of the events.",
    "signalJob": "The saga has the signal durably, whether it waits for it already or will. With an `Idempotency-Key` "
    "a repeated signal counts once.",
    "streamJob": "Server-sent events, resumed by `Last-Event-ID` or `after`. The stream ends behind the job's terminal "
    "event; a client that has seen it gets 204, at which an `EventSource` stops asking.",
    "readStream": "What a job says in one stream, as JSON lines, or as the `Accept` says as text or as events. "
    "With `Prefer: wait=N` an answer without a chunk is held until there is one. `after` with the `tidings-seq` of the "
    "last answer goes on rightly also when a later attempt has started again.",
    "streamJobs": "Server-sent events of up to 100 jobs, or of all jobs of the caller with a tag, resumed by "
    "`Last-Event-ID`.",
    "streamFeed": "Server-sent events of all jobs of some kinds, for programs, resumed by `Last-Event-ID` or `after`; "
    "needs the scope `feed`.",
    "ask": "Submits a job that answers, and streams the message that its handler writes. A client that leaves does not "
    "cancel it. Fields beside those of a chat are inputs of the kind.",
    "resumeChat": "The newest message of the chat, from its beginning, while its job goes on; with `ended=true` also "
    "afterwards. The connection is cut where the message is not whole.",
    "stopChat": "Cancels the jobs that answer in the chat.",
    "callMcp": "Streamable HTTP without sessions: each request stands for itself, at any server. Calls want the scope "
    "`submit`, or `watch`, `cancel` and `submit` to read, cancel and answer a task.",
    "listKinds": "The kinds with the JSON Schemas of their inputs and results, as workers registered them.",
    "createTicket": "A ticket is valid once and for a short time: it stands for the credential in the URL of a socket "
    "or of a stream, where a browser can set no header.",
    "createGrant": "A grant lets its bearer do a few things to a few jobs for a short time. Only the owner of the jobs "
    "or an administrator gets one.",
    "listSchemas": "The names of the types of the contract, of HTTP bodies and of the socket's frames.",
    "getSchema": "A JSON Schema (2020-12) that stands alone: what it refers to is among its `$defs`.",
    "getOverview": "Queues, workers, latency, breakers and warnings, as the console shows them.",
    "listConnections": "Sockets and streams of one server process, with what waits to be sent to each.",
    "getSeries": "Counts and percentiles of waiting and running times, and the cells of a heat map.",
    "searchJobs": "The newest first. A search looks at a bounded number of jobs: a page may be short, and `cursor` "
    "goes on from there.",
    "inspectJob": "Record, log, steps, attempts and times of a job, of any owner.",
    "cancelJobAsOperator": "Asks any owner's job to stop. The audit log records who asked.",
    "setBreaker": "Holds a circuit breaker open or closed until an operator releases it. The audit log says who did.",
    "pauseQueue": "Workers finish the jobs that they run, and take no others of the queue. Submissions are accepted.",
    "resumeQueue": "Workers take jobs of the queue again.",
    "listAudit": "What operators did, and what the server refused them, the newest first.",
    "getObjectives": "The objectives of latency and success, and how the jobs in the chronicle met them.",
    "setObjectives": "Replaces all objectives; those that the request leaves out are gone.",
    "searchDeliveries": "Deliveries to webhooks that are pending, done or dead.",
    "listPlaces": "Hosts of webhooks with their breakers, pauses and counts.",
    "replayDeliveries": "Tries the chosen deliveries again, from now, with all their tries before them.",
    "dropDeliveries": "Gives up the chosen deliveries that wait, or removes those that are dead.",
    "pausePlace": "Workers send nothing to the host until it is resumed; its deliveries wait.",
    "resumePlace": "Workers send deliveries to the host again.",
    "listGroups": "Each group of consumers in each queue: how far behind it is, what it has missed, what failed.",
    "listDeadEvents": "Events that a group could not handle, each with its letter and why.",
    "pauseGroup": "The group takes no events; they are written meanwhile, and wait.",
    "resumeGroup": "The group goes on where it was.",
    "forgetGroup": "Nothing is written for the group any more, and its dead events go.",
    "skipEvents": "The group passes over what it has not handled; other groups stay where they are.",
    "replayEvents": "The group handles events again, from a moment, an entry or the start.",
    "retryDeadEvents": "The group gets events again that it could not handle.",
    "listSagas": "How many sagas run on which version of their kind, and those that are held with why.",
    "listKindChanges": "What of each kind changed when a worker last registered another record of it; whether that "
    "breaks queued inputs, clients or readers of results, and what to do: by the rules of `tidings schema check`.",
    "listDeadLetters": "Jobs that failed for good, with problem, traceback and attempts, the newest first.",
    "replayDeadLetters": "Queues the chosen jobs again, under their tokens.",
    "dropDeadLetters": "Removes the chosen letters. The jobs stay failed.",
}
"""By `operationId`."""
