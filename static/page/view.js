// @ts-check
/**
 * What a card shows of its job besides state and progress; one view for each kind.
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(data: any) => void} progress Given the `data` of a progress event, if it has any.
 * @property {(chunk: any) => void} log
 * @property {(result: any) => void} result
 *
 * @typedef {(kind: string, label: string, input: object) => void} Submit
 */

import { FlightsView } from "./flights.js";
import { OrderView } from "./orders.js";
import { PicturesView } from "./pictures.js";
import { PlainView } from "./plain.js";
import { TextView } from "./text.js";

/** @type {Record<string, new () => View>} */
const VIEWS = { flight_delays: FlightsView, thumbnails: PicturesView, index_text: TextView, place_order: OrderView };

/**
 * @param {string} kind
 * @returns {View}
 */
export function viewOf(kind) {
  const Chosen = Object.hasOwn(VIEWS, kind) ? VIEWS[kind] : PlainView;
  return new Chosen();
}
