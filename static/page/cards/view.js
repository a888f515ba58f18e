// @ts-check
/**
 * What a card shows of its job besides state and progress; one view for each kind.
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(data: any) => void} progress Given the `data` of a progress event, if it has any.
 * @property {(chunk: any) => void} log
 * @property {(result: any) => void} result
 * @property {(name: string, job: import("../../tidings.js").Job) => void} [stream] Called when a stream of the job has changed.
 *
 * @typedef {(kind: string, label: string, input: object) => import("../../tidings.js").Job} Submit
 */

import { PlainView } from "./plain.js";

/** @type {Map<string, new () => View>} */
const VIEWS = new Map();

/**
 * Has the cards of a kind show its jobs by a view of its own.
 *
 * @param {Record<string, new () => View>} views By kind.
 */
export function useViews(views) {
  for (const [kind, view] of Object.entries(views)) VIEWS.set(kind, view);
}

/**
 * @param {string} kind
 * @returns {View}
 */
export function viewOf(kind) {
  return new (VIEWS.get(kind) ?? PlainView)();
}
