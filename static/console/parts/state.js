// @ts-check
/** The state of a job, as it is shown. */

import { h } from "./dom.js";

/** @type {Record<string, string>} */
const TONES = {
  running: "busy", succeeded: "good", failed: "bad", expired: "bad", cancelled: "warn", scheduled: "warn", waiting: "warn", lost: "bad", retrying: "warn",
};

/** In the order of a job's life. */
export const STATES = ["scheduled", "queued", "running", "waiting", "succeeded", "failed", "cancelled", "expired"];

/** @param {string} state */
export const toneOf = (state) => TONES[state] ?? null;

/** @param {string} state */
export const chip = (state) => h("span", { class: "chip", "data-tone": toneOf(state) }, state);
