// @ts-check
/** Overview: the queues, how long jobs take, how many go well. */

/** @import { LatencyLine, Percentiles, QueueLine, Series } from "../types.js" */
/** @import { Page, Desk } from "../parts/view.js" */
import { offer, select } from "../parts/choice.js";
import { h, mark, say } from "../parts/dom.js";
import { HeatMap } from "../charts/heatmap.js";
import { Lines } from "../charts/lines.js";
import { format } from "../router.js";
import { firstKnown } from "../charts/scale.js";
import { drawSpark, spark } from "../charts/spark.js";
import { Table } from "../parts/table.js";
import { again, page, panel } from "../parts/view.js";
import { brief, count, moment, ms, percent, rate, size, took, whole } from "../parts/words.js";
import { objectives } from "./objectives.js";
import { pauseButton } from "./pause.js";

/** How often the hour is asked for again: ms. */
const SERIES_MS = 5000;
const SPARK_POINTS = 120;
/** A chart of the last minutes has at least so many steps, however late its data begins. */
const FEWEST = 12;
const WINDOWS = /** @type {const} */ ([["15", "15 min"], ["60", "1 h"], ["360", "6 h"]]);
const SHARES = /** @type {const} */ ([["p50", "half were quicker (p50)"], ["p95", "95 of 100 were quicker (p95)"], ["p99", "99 of 100 were quicker (p99)"]]);
const MEASURES = /** @type {const} */ ([["total", "submit to end"], ["wait", "waiting"], ["run", "running"]]);

/** @type {Page} */
export const overview = (desk) => {
  const tiles = new Tiles();
  const queues = queueTable(desk);
  const share = select("Percentile", SHARES, "p95");
  const latency = latencyTable(() => /** @type {keyof Percentiles} */ (share.select.value));
  /** @type {LatencyLine[]} */
  let lately = [];
  share.select.addEventListener("change", () => latency.show(lately));
  const lines = new Lines("Latency over time", took, brief);
  const heat = new HeatMap("Time from submit to end");
  const promised = objectives(desk);
  const [kind, minutes, measure] = [select("Kind", [["", "all kinds"]]), select("Time", WINDOWS), select("Measured", MEASURES)];
  const reach = h("p", { class: "muted" });
  const trouble = h("p", { class: "notice", hidden: true });
  /** @type {Series | null} */
  let series = null;
  const draw = () => {
    if (!series) return;
    const name = /** @type {"total" | "wait" | "run"} */ (measure.select.value);
    const known = series.points.slice(firstKnown(series.points, FEWEST));
    lines.show(known.map(({ at }) => ms(at) ?? 0), (/** @type {const} */ (["p50", "p95", "p99"])).map((one) =>
      ({ name: one, tone: one, values: known.map((point) => point[name]?.[one] ?? null) })));
    heat.show({ ...series, points: known });
    say(reach, series.reaches_back ? `all since ${moment(series.reaches_back)}` : "");
  };
  const asking = again(SERIES_MS, async (signal) => {
    series = await desk.api.get("series", { minutes: minutes.select.value, kind: kind.select.value }, signal);
    draw();
  }, (why) => {
    say(trouble, why && `The server did not send the last hours: ${why}`);
    trouble.hidden = !why;
  });
  measure.select.addEventListener("change", draw);
  for (const { select } of [kind, minutes]) select.addEventListener("change", asking.now);
  return {
    title: "Overview",
    element: page("Overview", [kind.label, minutes.label], [
      tiles.element,
      panel("Queues", [queues.element], { more: "is-table" }),
      trouble,
      h("div", { class: "pair" },
        panel("Latency over time", [lines.element], { beside: [measure.label] }),
        panel("Submit to end, job by job", [heat.element], { beside: [reach] })),
      promised.element,
      panel("Milestones in the last minute", [latency.element], { more: "is-table", beside: [share.label] }),
    ]),
    see: (seen) => {
      tiles.show(seen);
      queues.show(tierLines(seen.queues));
      latency.show(lately = seen.latency);
      promised.see(seen);
      offer(kind.select, seen.kinds.map((one) => one.kind));
    },
    paint: () => heat.paint(),
    close: () => {
      asking.stop();
      promised.close();
    },
  };
};

/** The figures of the whole. */
class Tiles {
  element = h("dl", { class: "tiles" });
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();

  constructor() {
    for (const name of ["waiting", "running", "scheduled", "dead letters", "in", "out", "failed", "connections", "store"]) {
      const value = h("dd", { class: "tile-value" });
      this.#values.set(name, value);
      this.element.append(h("div", { class: "tile" }, h("dt", { class: "tile-name" }, name), value));
    }
  }

  /** @param {import("../types.js").Overview} seen */
  show({ queues, latency, connections, store }) {
    const sum = (/** @type {"waiting" | "running" | "rate_in" | "rate_out"} */ name) => queues.reduce((all, line) => all + line[name], 0);
    // What belongs to a whole queue stands in the line of each of its tiers.
    const whole = [...new Map(queues.map((line) => [line.queue, line])).values()];
    const all = latency.find((line) => line.kind === "");
    this.#say("waiting", count(sum("waiting")));
    this.#say("running", count(sum("running")));
    this.#say("scheduled", count(whole.reduce((total, line) => total + line.scheduled, 0)));
    const dead = whole.reduce((total, line) => total + line.dead, 0);
    this.#say("dead letters", count(dead), dead > 0 ? "bad" : null);
    this.#say("in", `${rate(sum("rate_in"))}/s`);
    this.#say("out", `${rate(sum("rate_out"))}/s`);
    this.#say("failed", all && all.count > 0 ? percent(all.failed / all.count) : "–", all && all.failed > 0 ? "bad" : null);
    this.#say("connections", count(connections.sockets + connections.streams), connections.slow > 0 ? "warn" : null);
    this.#say("store", store.memory === null ? "–" : store.limit ? `${size(store.memory)} of ${size(store.limit)}` : size(store.memory));
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {string | null} [tone]
   */
  #say(name, text, tone = null) {
    const value = /** @type {HTMLElement} */ (this.#values.get(name));
    say(value, text);
    mark(value, "data-tone", tone);
  }
}

/** @typedef {QueueLine & {first: boolean}} TierLine `first`: the line in which what belongs to the whole queue stands. */

/**
 * @param {QueueLine[]} lines
 * @returns {TierLine[]}
 */
export const tierLines = (lines) => lines.map((line, at) => ({ ...line, first: lines.findIndex(({ queue }) => queue === line.queue) === at }));

/**
 * @param {Desk} desk
 * @returns {Table<TierLine>}
 */
function queueTable(desk) {
  return new Table({
    caption: "Queues and their tiers",
    key: ({ queue, tier }) => `${queue}/${tier}`,
    empty: "No queue yet: no worker has registered a kind.",
    columns: [
      { head: "Queue", make: (row) => h("a", { href: format("jobs", "", { queue: row().queue }) }, row().queue) },
      { head: "Tier", text: ({ tier }) => tier },
      { head: "State", make: () => h("span", { class: "chip" }), update: (chip, line) => {
        const [text, tone] = state(line);
        say(chip, text);
        mark(chip, "data-tone", tone);
      } },
      { head: "Waiting", number: true, text: ({ waiting }) => count(waiting) },
      { head: "Last two minutes", quiet: true, make: () => h("span", {}, spark()), update: (cell, { queue, tier }) => {
        drawSpark(/** @type {Element} */ (cell.firstElementChild), desk.feed.backlog.get(`${queue}/${tier}`) ?? [], SPARK_POINTS);
      } },
      { head: "Oldest", number: true, text: ({ oldest }) => whole(oldest) },
      { head: "Starts in", number: true, text: ({ eta }) => whole(eta) },
      { head: "In/s", number: true, text: (line) => rate(line.rate_in) },
      { head: "Out/s", number: true, text: (line) => rate(line.rate_out) },
      { head: "Running", number: true, text: ({ running }) => count(running) },
      { head: "Scheduled", number: true, text: ({ first, scheduled }) => (first ? count(scheduled) : "") },
      { head: "Dead", number: true, make: (row) => h("a", { href: format("dead", "", { queue: row().queue }) }), update: (link, { first, dead }) => {
        link.hidden = !first;
        say(link, first ? count(dead) : "");
        mark(link, "data-tone", dead > 0 ? "bad" : null);
      } },
      { head: "Pause or resume", quiet: true, ...pauseButton(desk) },
    ],
  });
}

/**
 * @param {QueueLine} line
 * @returns {[string, string]}
 */
function state({ paused, served, waiting }) {
  if (paused) return ["paused", "warn"];
  if (!served) return ["not served", waiting > 0 ? "bad" : "warn"];
  return ["served", "good"];
}

/**
 * @param {() => keyof Percentiles} share
 * @returns {Table<LatencyLine>}
 */
function latencyTable(share) {
  return new Table({
    caption: "Latency of each kind in the last minute",
    key: ({ kind }) => kind,
    empty: "No job has ended in the last minute.",
    columns: [
      { head: "Kind", text: ({ kind }) => kind || "all kinds" },
      { head: "Jobs", number: true, text: (line) => count(line.count) },
      { head: "Failed", number: true, text: (line) => count(line.failed), tone: ({ failed }) => (failed > 0 ? "bad" : null) },
      ...(/** @type {const} */ ([["ack", "To the token"], ["wait", "Waiting"], ["run", "Running"], ["total", "Submit to end"], ["notify", "Event to client"]]))
        .map(([name, head]) => ({ head, number: true, text: (/** @type {LatencyLine} */ line) => took(line[name]?.[share()]) })),
    ],
  });
}
