// @ts-check
/** One job: when what happened to it, what went in and came out, why it failed. */

/** @import { Acted, PastAttempt, Detail } from "../types.js" */
/** @import { Problem, Snapshot, Step } from "../../client/frame.js" */
/** @import { Page } from "../parts/view.js" */
import { TERMINAL } from "../../client/codes.js";
import { tokenSegment } from "../../client/path.js";
import { h, mark, say } from "../parts/dom.js";
import { ask } from "../parts/notice.js";
import { format } from "../router.js";
import { chip, toneOf } from "../parts/state.js";
import { StreamPanel } from "../parts/streams.js";
import { place, spans } from "../charts/waterfall.js";
import { again, attempt, page, panel } from "../parts/view.js";
import { NONE, message, moment, percent, took } from "../parts/words.js";

/** While it lives it is asked about so often beside its events: ms. */
const EVERY_MS = 2000;

/** Why a job was not replayed. */
const WHY = /** @type {Record<string, string>} */ ({
  gone: "its dead letter is no longer there", live: "it is not failed", held: "another job with its unique value lives",
});

/** @typedef {Snapshot & Detail} Seen */

/** @type {Page} */
export const job = ({ api, feed }, { name: token }) => {
  const state = h("span", { class: "chip" });
  const cancel = h("button", { class: "button is-small is-danger", type: "button", hidden: true, onclick: () => void stop() }, "Cancel it…");
  const replay = h("button", { class: "button is-small is-primary", type: "button", hidden: true, onclick: () => void runAgain() }, "Replay…");
  const body = h("div", { class: "view-inner" }, h("p", { class: "empty" }, "Looking…"));
  const bar = h("div", { class: "meter-bar" });
  const meter = h("div", { class: "meter", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100, hidden: true }, bar);
  const said = h("p", { class: "view-note", hidden: true });
  const top = h("div");
  const streams = new StreamPanel();
  let ended = false;
  let drawn = "";
  let seq = 0;

  async function stop() {
    const text = "It is asked to stop; a saga undoes what it has done. What cannot be stopped runs to its end.";
    if (!await ask({ title: "Cancel this job?", text, yes: "Cancel the job", danger: true })) return;
    await attempt(async () => {
      await api.send(`jobs/${tokenSegment(token)}/cancel`);
      looking.now();
      return "It was asked to stop.";
    });
  }

  async function runAgain() {
    const text = "The job runs again under its token, with its attempts counted from the beginning.";
    if (!await ask({ title: "Replay this job?", text, yes: "Replay" })) return;
    await attempt(async () => {
      const { done, refused } = /** @type {Acted} */ (await api.send("dead/replay", { tokens: [token], dry_run: false }));
      if (done === 0) throw new Error(`It was not replayed: ${WHY[refused[0]?.why ?? "gone"]}.`);
      ended = false;
      watch();
      looking.now();
      return "It was replayed.";
    });
  }

  /** @param {Seen} seen */
  function show(seen) {
    ended = TERMINAL.has(seen.status);
    say(state, seen.cancel_asked && !ended ? `${seen.status}, asked to stop` : seen.status);
    mark(state, "data-tone", toneOf(seen.status));
    cancel.hidden = ended;
    replay.hidden = seen.status !== "failed" || !seen.letter;
    say(heading, seen.kind || "Job");
    document.title = `${titleOf(seen)} · Tidings`;
    move(seen.progress ?? null);
    const text = JSON.stringify(seen);
    if (ended && text === drawn) return; // nothing changes any more: leave selections and places alone
    const open = new Set([...body.querySelectorAll("details[open]")].map((one) => one.getAttribute("data-name")));
    top.replaceChildren(facts(seen));
    body.replaceChildren(...sections(seen));
    for (const one of body.querySelectorAll("details")) if (open.has(one.dataset.name ?? null)) one.open = true;
    drawn = text;
  }

  /** @param {{fraction: number | null, message?: string | null} | null} progress */
  function move(progress) {
    meter.hidden = ended || !progress;
    said.hidden = meter.hidden;
    if (!progress) return;
    const { fraction } = progress;
    meter.classList.toggle("is-unknown", fraction === null);
    if (fraction === null) meter.removeAttribute("aria-valuenow");
    else meter.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
    bar.style.transform = `scaleX(${fraction ?? 1})`;
    say(said, [fraction === null ? "" : percent(fraction), progress.message ?? ""].filter(Boolean).join(" · "));
  }

  const looking = again(EVERY_MS, async (signal) => {
    if (ended && drawn) return;
    try {
      const seen = /** @type {Seen} */ (await api.get(`jobs/${tokenSegment(token)}`, seq ? { after: seq } : {}, signal));
      seq = seen.seq; // what was said before need not come again
      show(seen);
    } catch (error) {
      if (signal.aborted || drawn) throw error;
      body.replaceChildren(h("p", { class: "empty" }, message(error)));
      unwatch();
    }
  });
  let unwatch = () => {};
  function watch() {
    unwatch();
    const watched = feed.tidings.watch(token);
    watched.result.catch(() => {}); // how it ended is shown, not thrown
    watched.accepted.catch(() => {});
    const offs = [
      streams.follow(watched),
      watched.on("progress", ({ data }) => move(data)),
      ...(/** @type {const} */ (["started", "retrying", "waiting", "step", "finished"])).map((event) => watched.on(event, () => looking.now())),
    ];
    unwatch = () => {
      for (const off of offs) off();
      watched.unwatch();
    };
  }
  watch();
  const element = page("Job", [state, replay, cancel], [
      h("p", { class: "token-line" }, h("code", { class: "mono" }, token),
        h("button", { class: "link", type: "button", onclick: () => void attempt(async () => {
          await navigator.clipboard.writeText(token);
          return "The token is copied.";
        }) }, "Copy")),
      meter, said, top, streams.element, body,
    ]);
  const heading = /** @type {HTMLElement} */ (element.querySelector("h1"));
  return {
    title: titleOf({ token }),
    element,
    close: () => {
      looking.stop();
      unwatch();
    },
  };
};

/**
 * Returns what the page is called in a tab and a history: the kind, and enough of the token to tell jobs apart.
 *
 * @param {{token: string, kind?: string}} job
 */
export const titleOf = ({ token, kind = "Job" }) => `${kind} ${token.slice(token.indexOf(".") + 1, token.indexOf(".") + 7)}`;

/** @param {Seen} seen */
function sections(seen) {
  const { milestones, steps = [], problem, input, result, history = [], traceback, error } = seen;
  const done = TERMINAL.has(seen.status);
  return [
    panel("What happened when", [waterfall(milestones, steps, done, seen.attempt)]),
    problem ? panel("Problem", [trouble(problem, error), traceback ? unfold("Traceback", h("pre", { class: "json", tabindex: 0, role: "group", "aria-label": "Traceback" }, traceback)) : null]) : null,
    history.length > 0 ? panel("Failed attempts", [past(history)], { more: "is-table" }) : null,
    h("div", { class: "pair" },
      panel("Input", [input === undefined ? h("p", { class: "muted" }, "Not kept: the store keeps it until the job has ended, and in its dead letter.") : json(input, "Input")]),
      panel("Result", [seen.status === "succeeded" ? json(result ?? null, "Result") : h("p", { class: "muted" }, done ? "None." : "Not yet.")])),
  ].filter((one) => one !== null);
}

/** @param {Seen} seen */
function facts(seen) {
  const link = (/** @type {string | null | undefined} */ token) => (token ? h("a", { class: "mono", href: format("jobs", token) }, token) : null);
  /** @type {[string, string | Node | null | undefined][]} */
  const all = [
    ["kind", seen.kind], ["queue, tier", `${seen.queue}, ${seen.tier}`], ["attempt", seen.attempt ? String(seen.attempt) : null], ["worker", seen.worker],
    ["owner", seen.owner], ["caller", seen.caller === seen.owner ? null : seen.caller], ["tags", seen.tags?.join(", ")],
    ["correlation id", seen.correlation_id === seen.token ? null : seen.correlation_id], ["trace", seen.trace_id], ["part of", link(seen.parent)],
    // A saga that waits for a child wakes when the child ends; the store looks after it at this time all the same.
    [seen.status === "waiting" ? "wakes at the latest" : "due", seen.due && moment(seen.due)],
    ["deadline", seen.deadline && moment(seen.deadline)],
    ["dead letter", seen.letter ? h("a", { href: format("dead", "", { queue: seen.queue, kind: seen.kind }) }, "there is one") : null],
  ];
  return h("dl", { class: "fact-row" }, all.filter(([, value]) => value).map(([name, value]) =>
    h("div", {}, h("dt", { class: "fact-name" }, name), h("dd", { class: "fact-text" }, /** @type {Node | string} */ (value)))));
}

/**
 * @param {Record<string, string>} milestones
 * @param {Step[]} steps
 * @param {boolean} done
 * @param {number} attempt
 */
function waterfall(milestones, steps, done, attempt) {
  const all = spans(milestones, steps, done, attempt);
  if (all.length === 0) return h("p", { class: "muted" }, "The store has no times of it.");
  const first = Math.min(...all.map(({ from }) => from));
  const last = Math.max(...all.map(({ to }) => to ?? Date.now()), first + 1);
  const lines = all.map((span) => {
    const { start, width } = place(span, first, last);
    const bar = h("span", { class: "fall-bar", "data-tone": span.tone, "aria-hidden": "true" });
    bar.style.marginInlineStart = `min(${start}%, 100% - 3px)`;
    bar.style.inlineSize = `min(${width}%, 100% - ${start}%)`;
    const name = h("th", { scope: "row", class: "fall-name" }, span.name, span.note ? h("span", { class: "muted" }, ` ${span.note.replace("_", " ")}`) : null);
    name.style.paddingInlineStart = `${span.depth}rem`;
    return h("tr", {}, name, h("td", { class: "fall-track" }, bar), h("td", { class: "is-number" }, `+${took((span.from - first) / 1000)}`),
      h("td", { class: "is-number" }, span.to === null ? "under way" : took((span.to - span.from) / 1000)));
  });
  return h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "What happened when, as a table" }, h("table", { class: "table fall" },
    h("caption", { class: "muted" }, `From ${moment(first)}, ${took((last - first) / 1000)} in all${done ? "" : " so far"}`),
    h("thead", { class: "visually-hidden" }, h("tr", {}, ["What", "Picture", "Began", "Took"].map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, lines)));
}

/**
 * @param {Problem} problem
 * @param {string} error
 */
function trouble({ code, title, detail, compensation }, error) {
  return h("div", { class: "trouble" },
    h("p", {}, chip("failed"), " ", h("code", {}, code), compensation ? ` · what it had done is ${compensation === "complete" ? "undone" : "not undone in full"}` : ""),
    h("p", { class: "trouble-title" }, title), detail && detail !== title ? h("p", {}, detail) : null, error ? h("p", { class: "mono trouble-error" }, error) : null);
}

/** @param {PastAttempt[]} history */
function past(history) {
  return h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Failed attempts" }, h("table", { class: "table lines" },
    h("thead", {}, h("tr", {}, ["Attempt", "Ended", "How", "Worker", "Problem"].map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, history.map(({ attempt: number, at, event, worker, problem }) => h("tr", {}, h("th", { scope: "row" }, String(number)), h("td", {}, moment(at)),
      h("td", {}, chip(event)), h("td", { class: "mono" }, worker || NONE), h("td", { class: "is-text" }, problem ? `${problem.code}: ${problem.detail}` : NONE))))));
}

/**
 * @param {string} name
 * @param {Node} inside
 */
function unfold(name, inside) {
  return h("details", { class: "more", "data-name": name }, h("summary", { class: "more-summary" }, name), inside);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function json(value, name) {
  return h("pre", { class: "json", tabindex: 0, role: "group", "aria-label": name }, JSON.stringify(value, null, 2) ?? "null");
}

