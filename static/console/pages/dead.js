// @ts-check
/** Dead letters: look, choose, replay or drop; first as a trial. */

/** @import { Acted, Letter } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { offer, select } from "../parts/choice.js";
import { h, say } from "../parts/dom.js";
import { ask, tell } from "../parts/notice.js";
import { Paged } from "../parts/paged.js";
import { format } from "../router.js";
import { again, page, panel } from "../parts/view.js";
import { Virtual } from "../parts/virtual.js";
import { ago, count, message } from "../parts/words.js";

/** ms */
const EVERY_MS = 3000;
const FIELDS = /** @type {const} */ (["queue", "kind", "code"]);
const LABELS = { queue: "Queue", kind: "Kind", code: "Problem" };
const WHY = /** @type {Record<string, string>} */ ({
  gone: "no longer there", live: "the job is not failed", held: "another job with its unique value lives",
});

/** @type {Page} */
export const dead = ({ api }, { query }) => {
  /** @type {Set<string>} */
  const chosen = new Set();
  let acting = false;
  const state = h("p", { class: "view-note", role: "status" });
  const buttons = {
    replay: h("button", { class: "button is-small is-primary", type: "button", onclick: () => void act("replay") }),
    drop: h("button", { class: "button is-small is-danger", type: "button", onclick: () => void act("drop") }),
  };
  /** @type {Virtual<Letter>} */
  const list = new Virtual({
    caption: "Dead letters, the newest first",
    key: ({ token, died }) => `${token} ${died}`,
    empty: "No dead letters here.",
    more: () => void paged.next(),
    cells: [
      { head: "Choose", wide: [3.5, 0], cell: ({ token }) => h("input", {
        type: "checkbox", "aria-label": `Choose ${token}`, checked: chosen.has(token), onchange: ({ target }) => choose(token, target.checked),
      }) },
      { head: "Job", wide: [10, 4], cell: ({ token }) => h("a", { class: "mono", href: format("jobs", token) }, token) },
      { head: "Kind", wide: [7, 2], cell: ({ kind }) => kind },
      { head: "Died", wide: [6.5, 1], cell: ({ died }) => ago(died) },
      { head: "Attempts", wide: [5.5, 1], cell: ({ attempt, replays }) => (replays > 0 ? `${attempt}, replayed ${replays}×` : String(attempt)) },
      { head: "Problem", wide: [7, 2], cell: ({ code }) => h("span", { class: "chip", "data-tone": "bad" }, code) },
      { head: "Says", wide: [10, 4], cell: ({ detail, error }) => h("span", { title: error || detail }, error || detail) },
    ],
  });
  const selects = Object.fromEntries(FIELDS.map((name) => [name, select(LABELS[name], [["", `any ${name === "code" ? "problem" : name}`]])]));
  const form = h("form", { class: "filters", role: "search", "aria-label": "Dead letters" },
    FIELDS.map((name) => h("label", { class: "field" }, h("span", { class: "field-label" }, LABELS[name]), selects[name].select)));
  for (const name of FIELDS) selects[name].select.name = name;
  form.addEventListener("change", search);
  form.addEventListener("submit", (event) => event.preventDefault());
  const fill = () => {
    for (const name of FIELDS) {
      if (filter[name]) offer(selects[name].select, [filter[name]]);
      selects[name].select.value = filter[name] ?? "";
    }
  };

  function search() {
    location.hash = format("dead", "", /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form))));
  }
  let filter = query;
  /** @type {Paged<Letter>} */
  const paged = new Paged(async (cursor, signal) => {
    const answer = await api.get("dead", { ...only(filter), cursor, limit: 200 }, signal);
    return { rows: answer.letters, cursor: answer.cursor };
  }, (failed) => (failed ? tell(message(failed), "bad") : show()));

  function show() {
    offer(selects.code.select, paged.rows.map(({ code }) => code));
    list.show([...paged.rows], paged.complete);
    const there = `${count(paged.rows.length)}${paged.complete ? "" : "+"} ${paged.rows.length === 1 ? "letter" : "letters"}`;
    say(state, chosen.size > 0 ? `${count(chosen.size)} of ${there} chosen.` : `${there}. Choose some, or act on all that the search means.`);
    const which = chosen.size > 0 ? `${count(chosen.size)} chosen` : "all";
    say(buttons.replay, `Replay ${which}…`);
    say(buttons.drop, `Drop ${which}…`);
    for (const button of Object.values(buttons)) button.disabled = paged.rows.length === 0;
  }

  /**
   * @param {string} token
   * @param {boolean} yes
   */
  function choose(token, yes) {
    if (yes) chosen.add(token);
    else chosen.delete(token);
    show();
  }

  /** @param {"replay" | "drop"} what */
  async function act(what) {
    if (acting) return; // pressed twice
    const choice = chosen.size > 0 ? { tokens: [...chosen].slice(0, 1000) } : { filter: only(filter) };
    acting = true;
    try {
      const trial = /** @type {Acted} */ (await api.send(`dead/${what}`, { ...choice, dry_run: true }));
      if (!await ask(question(what, trial))) {
        acting = false;
        return;
      }
      let more = true;
      let done = 0;
      /** @type {Acted["refused"]} */
      const refused = [];
      while (more) {
        const acted = /** @type {Acted} */ (await api.send(`dead/${what}`, { ...choice, dry_run: false }));
        done += acted.done;
        refused.push(...acted.refused);
        more = acted.more && acted.done > 0;
        if (more) say(state, `${count(done)} so far…`);
      }
      tell(`${what === "replay" ? "Replayed" : "Dropped"} ${count(done)}.${left(refused)}`, refused.length > 0 ? "bad" : "good");
    } catch (error) {
      tell(message(error), "bad");
    }
    acting = false;
    chosen.clear();
    void paged.restart();
  }

  // Only what is looked at from its top is looked at again, and not while one chooses.
  const looking = again(EVERY_MS, async () => { if (list.atTop && chosen.size === 0 && !acting && !paged.asking) await paged.restart(); });
  fill();
  show();
  return {
    title: "Dead letters",
    element: page("Dead letters", [buttons.replay, buttons.drop], [form, state, panel("The newest first", [list.element], { more: "is-table" })]),
    see: ({ queues, kinds }) => {
      offer(selects.queue.select, queues.map(({ queue }) => queue));
      offer(selects.kind.select, kinds.map(({ kind }) => kind));
    },
    moved: (next) => {
      filter = next;
      chosen.clear();
      fill();
      list.top();
      looking.now();
    },
    close: () => {
      looking.stop();
      paged.stop();
    },
  };
};

/** @param {Record<string, string>} query */
function only(query) {
  return Object.fromEntries(FIELDS.filter((name) => query[name]).map((name) => [name, query[name]]));
}

/**
 * @param {"replay" | "drop"} what
 * @param {Acted} trial
 */
function question(what, { done, refused, more }) {
  const many = `${count(done)}${more ? " and more" : ""} ${done === 1 && !more ? "letter" : "letters"}`;
  const rest = left(refused);
  return what === "replay"
    ? { title: `Replay ${many}?`, text: `The jobs run again under their tokens, with attempts counted from the start.${rest}`, yes: "Replay" }
    : { title: `Drop ${many}?`, text: `They are gone for good, with input and history; the jobs stay failed.${rest}`, yes: "Drop for good", danger: true };
}

/** @param {Acted["refused"]} refused */
function left(refused) {
  if (refused.length === 0) return "";
  const reasons = [...new Set(refused.map(({ why }) => why))].map((why) =>
    `${count(refused.filter((one) => one.why === why).length)} (${WHY[why] ?? why})`);
  return ` Left alone: ${reasons.join(", ")}.`;
}
