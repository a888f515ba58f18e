// @ts-check
/**
 * What listeners of a job are given, and how a job and the connection reach each other, as types. Nothing here runs.
 *
 * @import { Ack, JobEvent, Problem, Snapshot } from "../frame.js"
 *
 * @typedef {object} JobEvents What a listener of each name is given.
 * @property {Ack} ack The server has it, durably.
 * @property {JobEvent} event Every event of the contract, of any name.
 * @property {JobEvent} queued
 * @property {JobEvent} started
 * @property {JobEvent} progress `data` is {fraction, message, data}. Some may be skipped: the newest wins.
 * @property {JobEvent} log `data` is the chunk. Never skipped.
 * @property {JobEvent} step A saga's step moved on: `data` is {path, name, type, status, …}.
 * @property {JobEvent} chunk A chunk of a stream: `data` is {stream, index, attempt, data}. Never skipped.
 * @property {JobEvent} chunks Several that were said together: `data.data` has them.
 * @property {JobEvent} reset A later attempt starts a stream again: `data` is {stream, attempt, keep}.
 * @property {{stream: string, attempt: number}} stream A stream has changed, by such an event or a snapshot: `text` and
 *   `chunks` have it as it is.
 * @property {JobEvent} retrying
 * @property {JobEvent} waiting
 * @property {JobEvent} succeeded
 * @property {JobEvent} failed
 * @property {JobEvent} cancelled
 * @property {JobEvent} expired
 * @property {JobEvent} finished Any of the last four.
 * @property {{status: string, previous: string | null}} state Its state changed.
 * @property {Snapshot} snapshot The server's snapshot, before the events that the client makes from it.
 * @property {{problem: Problem}} expiring The grant by which it is followed is about to run out, and there is no callback
 *   for a fresh one: `watch` it again with one.
 * @property {{problem: Problem}} refused There will be no events: not accepted, or no longer followed.
 *
 * @typedef {object} Link What a job needs of its connection.
 * @property {() => Promise<void>} cancel
 * @property {(name: string, input: any, key?: string) => Promise<void>} signal
 * @property {() => void} unwatch
 * @property {() => void} again Asks for a snapshot, because something was lost on the way.
 *
 * @typedef {object} Inlet
 * @property {(ack: Ack) => void} acked
 * @property {(event: JobEvent) => void} event
 * @property {(snapshot: Snapshot) => void} snapshot
 * @property {(snapshot: Snapshot) => void} found It begins with a snapshot that was sent because of its tag.
 * @property {(problem: Problem) => void} expiring
 * @property {(problem: Problem) => void} refused
 * @property {() => number} after The number after which it wants to go on.
 * @property {() => void} interrupted The socket broke; a snapshot will follow.
 */

export {};
