// @ts-check
/** Jobs: search among those that live and those that ended; what runs moves. */

/** @import { JobLine } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { TERMINAL } from "../../client/codes.js";
import { offer, select } from "../parts/choice.js";
import { h, say } from "../parts/dom.js";
import { LiveBars, liveBar } from "../parts/live.js";
import { Paged } from "../parts/paged.js";
import { format } from "../router.js";
import { STATES, chip } from "../parts/state.js";
import { again, page, panel } from "../parts/view.js";
import { Virtual } from "../parts/virtual.js";
import { NONE, ago, count, message, ms, took, whole } from "../parts/words.js";

const PAGE = 200;
/** Between looks at the first page, while one is at its top: ms. */
const EVERY_MS = 3000;
const SINCE = /** @type {const} */ ([["", "any time"], ["300", "last 5 min"], ["3600", "last hour"], ["86400", "last day"]]);

/** @type {Page} */
export const jobs = (desk, { query }) => {
  let asked = query;
  const note = h("p", { class: "view-note", role: "status" });
  const order = h("p", { class: "muted" });
  const search = h("input", { class: "input", type: "search", name: "q", id: "jobs-q", autocomplete: "off", spellcheck: "false", placeholder: "a token, a correlation id, tag:… or owner:…" });
  const [state, kind, since] = [
    select("State", [["", "any state"], ...STATES.map((one) => /** @type {[string, string]} */ ([one, one]))]),
    select("Kind", [["", "any kind"]]), select("Time", SINCE),
  ];
  const queue = h("input", { type: "hidden", name: "queue" });
  state.select.name = "state";
  kind.select.name = "kind";
  since.select.name = "since";
  const form = h("form", { class: "filters", role: "search", "aria-label": "Jobs" },
    h("div", { class: "field is-search" }, h("label", { class: "field-label", for: "jobs-q" }, "Find"), search),
    [state, kind, since].map(({ select }) => h("label", { class: "field" }, h("span", { class: "field-label" }, LABELS[select.name]), select)),
    queue, h("button", { class: "button is-small", type: "submit" }, "Search"));
  const go = () => {
    const { q, ...rest } = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
    location.hash = format("jobs", "", { ...rest, q: q.trim() });
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
  form.addEventListener("change", ({ target }) => { if (target instanceof HTMLSelectElement) go(); });

  /** @type {Virtual<JobLine>} */
  const list = new Virtual({
    caption: "Jobs",
    key: ({ token, finished }) => `${token} ${finished ?? ""}`,
    empty: "No job is like this.",
    more: () => void paged.next(),
    cells: [
      { head: "Job", wide: [10, 4], cell: ({ token }) => h("a", { class: "mono", href: format("jobs", token) }, token) },
      { head: "State", wide: [7, 1], cell: (line) => chip(line.state) },
      { head: "Kind", wide: [7, 2], cell: (line) => line.kind },
      { head: "Queue, tier", wide: [7, 2], cell: (line) => `${line.queue}, ${line.tier}` },
      { head: "Submitted", wide: [6.5, 1], cell: ({ submitted }) => ago(submitted) },
      { head: "Took", wide: [7, 2], cell: (line) => bar(line) },
      { head: "Attempt", wide: [5.5, 1], cell: ({ attempt }) => String(attempt) },
      { head: "Owner, tags", wide: [7, 2], cell: ({ owner = "", tags = [] }) => [owner, ...tags].filter((one) => one).join(", ") },
      { head: "Correlation id", wide: [7, 2], cell: ({ token, correlation_id: own }) => (own && own !== token ? own : "") },
      { head: "Worker", wide: [7, 2], cell: ({ worker }) => worker ?? "" },
    ],
  });
  const bars = new LiveBars(desk.feed.tidings, list.element);
  /** @param {string} cursor @param {AbortSignal} signal */
  const ask = async (cursor, signal) => {
    const answer = await desk.api.get("jobs", { ...terms(asked), cursor, limit: PAGE }, signal);
    return { rows: /** @type {JobLine[]} */ (answer.jobs), cursor: answer.cursor };
  };
  /** @type {Paged<JobLine>} */
  const paged = new Paged(ask, (failed) => (failed ? say(note, message(failed)) : show()));
  const show = () => {
    list.show(paged.rows, paged.complete);
    bars.look();
    say(note, `${count(paged.rows.length)}${paged.complete ? "" : "+"} ${paged.rows.length === 1 ? "job" : "jobs"}.`);
  };
  const fill = () => {
    search.value = asked.q ?? "";
    queue.value = asked.queue ?? "";
    if (asked.kind) offer(kind.select, [asked.kind]);
    for (const { select } of [state, kind, since]) select.value = asked[select.name] ?? "";
    say(order, orderOf(asked.state ?? ""));
  };
  const listed = panel("Jobs found", [list.element], { beside: [order], more: "is-table" });
  fill();
  // Only what is looked at from its top is looked at again: a list does not move under a reader.
  const looking = again(EVERY_MS, async () => { if (list.atTop && !paged.asking) await paged.restart(); });
  if (query.focus) queueMicrotask(() => search.focus());
  return {
    title: "Jobs",
    element: page("Jobs", [], [form, note, listed]),
    see: ({ kinds }) => {
      offer(kind.select, kinds.map((one) => one.kind));
      bars.look(); // the operator may have scrolled
    },
    moved: (next) => {
      asked = next;
      fill();
      list.top();
      looking.now();
    },
    close: () => {
      looking.stop();
      paged.stop();
      bars.stop();
    },
  };
};

/** @type {Record<string, string>} */
const LABELS = { state: "State", kind: "Kind", since: "Submitted" };

/** @param {string} state The one searched for; empty: any. In which order the server lists them. */
export function orderOf(state) {
  if (TERMINAL.has(state)) return "the last that ended first";
  if (state === "running") return "queue by queue, the one taken first first";
  if (state === "scheduled" || state === "waiting") return "queue by queue, the one due first first";
  return state ? "queue by queue" : "unfinished ones queue by queue, then the last that ended first";
}

/** What a token looks like: its partition, a point, its random part. */
const TOKEN = /^[^\s.]+\.[\w-]{16,}$/;

/**
 * Returns what is asked for: a text that looks like a token is one, `tag:` and `owner:` stand before one, any other is a
 * correlation id.
 *
 * @param {Record<string, string>} query
 */
export function terms({ q = "", state, kind, queue, since }) {
  const [, name, value] = /^(tag|owner):(.+)$/.exec(q) ?? [];
  const found = name ? { [name]: value } : TOKEN.test(q) ? { token: q } : { correlation_id: q };
  const from = since ? new Date(Date.now() - Number(since) * 1000).toISOString() : "";
  return { ...found, state, kind, queue, since: from };
}

/** @param {JobLine} line How long it took, or takes: one that runs has a bar that moves. */
function bar({ token, state, total, submitted, attempt }) {
  if (attempt === 0) return NONE; // it never ran
  if (total !== null) return took(total);
  const since = ms(submitted);
  const text = since === null ? "" : whole(Math.max(0, (Date.now() - since) / 1000));
  return state === "running" ? liveBar(text, token) : text;
}
