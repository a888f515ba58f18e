// @ts-check
/** Groups that consume events: where each stands, and what operators do to it. */

/** @import { EventGroup, GroupLetter } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { select } from "../parts/choice.js";
import { h, mark, say } from "../parts/dom.js";
import { ask, tell } from "../parts/notice.js";
import { format } from "../router.js";
import { Table, button } from "../parts/table.js";
import { again, attempt, page, panel } from "../parts/view.js";
import { NONE, ago, count, message, whole } from "../parts/words.js";

/** ms */
const EVERY_MS = 3000;

/** How far a replay goes back: s; 0: to the first event that the store has. */
const BACK = /** @type {const} */ ([
  ["600", "the last ten minutes"], ["3600", "the last hour"], ["86400", "the last day"], ["0", "all that the store has"],
]);

/** @type {Page} */
export const groups = ({ api }, { query }) => {
  let chosen = query;
  const note = h("p", { class: "view-note", role: "status" });
  const back = select("Replay", BACK);
  back.select.name = "back";

  /**
   * @param {string} what
   * @param {EventGroup} row
   * @param {object} [more]
   * @returns {Promise<{answer: string, events: number, position: string | null}>}
   */
  const send = async (what, { group, queue }, more = {}) => {
    const { changes } = await api.send(`groups/${what}`, { group, queue, ...more });
    void looking.now();
    return changes[0];
  };

  /** @param {EventGroup} row */
  async function hold(row) {
    const { group, queue, paused } = row;
    const text = "It takes no events until an operator resumes it. They are written meanwhile, and wait as long as the store keeps events.";
    if (!paused && !await ask({ title: `Pause ${group} in ${queue}?`, text, yes: "Pause", danger: true })) return;
    await attempt(async () => {
      await send(paused ? "resume" : "pause", row);
      return paused ? `${group} takes events again.` : `${group} is paused.`;
    });
  }

  /** @param {EventGroup} row */
  async function replay(row) {
    const [seconds, name] = BACK[back.select.selectedIndex];
    const text = `It handles again what happened in ${queueOf(row)}: ${name}. Other groups stay where they are. What waits in its hand is dropped, and comes again with the rest.`;
    if (!await ask({ title: `Replay ${row.group}?`, text, yes: "Replay" })) return;
    await attempt(async () => {
      const since = new Date(Date.now() - Number(seconds) * 1000).toISOString();
      const { position } = await send("replay", row, seconds === "0" ? { from_start: true } : { since });
      return `${row.group} goes on behind ${position}.`;
    });
  }

  /** @param {EventGroup} row */
  async function skip(row) {
    const behind = row.behind === null ? "the events" : `${count(row.behind)} ${row.behind === 1 ? "event" : "events"}`;
    const text = `It passes over ${behind} of ${queueOf(row)} that it has not handled, and goes on with what comes. A replay brings them back, as long as the store keeps them.`;
    if (!await ask({ title: `Skip what ${row.group} has not handled?`, text, yes: "Skip", danger: true })) return;
    await attempt(async () => {
      const { position } = await send("skip", row);
      return `${row.group} goes on behind ${position}.`;
    });
  }

  /** @param {EventGroup} row */
  async function forget(row) {
    const text = "Nothing is written for it any more, and its dead events go. A worker that still serves it registers it again.";
    if (!await ask({ title: `Forget ${row.group} in ${row.queue}?`, text, yes: "Forget", danger: true })) return;
    await attempt(async () => {
      await send("forget", row);
      return `${row.group} is forgotten.`;
    });
  }

  /** What can be done to a group: the button, what it does, its look. */
  const acts = /** @type {const} */ ([["Pause", hold, ""], ["Replay", replay, ""], ["Skip", skip, "is-danger"], ["Forget", forget, "is-danger"]]);

  /** @type {Table<EventGroup>} */
  const table = new Table({
    caption: "Groups of consumers",
    key: ({ group, queue }) => `${group} ${queue}`,
    empty: "No group follows events. Write a handler under @on, and serve it with tidings work.",
    columns: [
      { head: "Group", make: () => h("span", {}, h("span"), " ", h("span", { class: "chip" })), update: (cell, { group, paused, missed }) => {
        const [name, chip] = /** @type {HTMLElement[]} */ ([...cell.children]);
        say(name, group);
        say(chip, paused ? "paused" : missed > 0 ? "has missed events" : "");
        chip.hidden = !paused && missed === 0;
        mark(chip, "data-tone", paused ? "warn" : "bad");
      } },
      { head: "Queue", text: ({ queue }) => queue },
      { head: "Behind", number: true, text: ({ behind }) => (behind === null ? "?" : count(behind)), tone: ({ behind }) => (behind ? "warn" : null) },
      { head: "Oldest", number: true, text: ({ oldest }) => (oldest === null ? NONE : whole(oldest)) },
      { head: "In hand", number: true, text: (row) => count(row.in_hand) },
      { head: "Handled", number: true, text: ({ handled }) => count(handled) },
      { head: "Missed", number: true, text: ({ missed, missed_at: at }) => (missed === 0 ? "0" : `${count(missed)}${at ? `, ${ago(Date.parse(at))}` : ""}`), tone: ({ missed }) => (missed > 0 ? "bad" : null) },
      { head: "Dead", number: true, make: () => h("a", {}, ""), update: (link, { group, queue, dead }) => {
        say(link, count(dead));
        mark(link, "href", dead > 0 ? format("groups", "", { group, queue }) : null);
        mark(link, "aria-label", `${count(dead)} dead events of ${group} in ${queue}`);
      } },
      { head: "Actions", quiet: true, make: (row) => h("span", { class: "buttons" }, acts.map(([name, act, look]) => button(name, () => void act(row()), look))),
        update: (buttons, { group, queue, paused }) => {
          [...buttons.children].forEach((one, at) => {
            if (!(one instanceof HTMLElement)) return;
            const name = at === 0 && paused ? "Resume" : acts[at][0];
            say(one, name);
            mark(one, "aria-label", `${name}: ${group} in ${queue}`);
          });
        } },
      { head: "Follows", text: ({ follows }) => follows.join("; ") },
      { head: "Position", text: ({ position }) => position },
    ],
  });

  /** @param {() => GroupLetter} row */
  const tryAgain = (row) => async () => {
    const { letter, queue } = row();
    await attempt(async () => {
      const { changes } = await api.send("groups/retry", { group: chosen.group, queue, letters: [letter] });
      void looking.now();
      return changes[0].events > 0 ? `${chosen.group} gets it again.` : "It is there no more.";
    });
  };
  /** @type {Table<GroupLetter>} */
  const letters = new Table({
    caption: "Events that the group could not handle",
    key: ({ queue, letter }) => `${queue} ${letter}`,
    empty: "There are none.",
    columns: [
      { head: "Job", make: (row) => h("a", { class: "mono", href: format("jobs", row().token) }, row().token) },
      { head: "Kind", text: ({ kind }) => kind },
      { head: "Event", text: ({ event }) => event },
      { head: "Tries", number: true, text: ({ tries }) => count(tries) },
      { head: "Says", text: ({ why }) => why },
      { head: "Actions", quiet: true, make: (row) => button("Try again", () => void tryAgain(row)(), "is-primary"),
        update: (one, { token }) => mark(one, "aria-label", `Try again: ${token}`) },
    ],
  });
  const dead = panel("Dead events", [letters.element], { more: "is-table" });

  async function look() {
    const found = /** @type {EventGroup[]} */ ((await api.get("groups")).groups);
    table.show(found);
    const names = new Set(found.map(({ group }) => group));
    const late = new Set(found.filter(({ behind }) => behind !== 0).map(({ group }) => group));
    say(note, `${count(names.size)} ${names.size === 1 ? "group" : "groups"}, ${count(late.size)} behind.`);
    dead.hidden = !chosen.group;
    if (!chosen.group) return;
    try {
      letters.show((await api.get("groups/dead", { group: chosen.group, queue: chosen.queue, limit: 200 })).letters);
    } catch (error) {
      letters.show([]);
      if (found.some(({ group }) => group === chosen.group)) tell(message(error), "bad");
    }
  }
  const looking = again(EVERY_MS, look);
  return {
    title: "Groups",
    element: page("Groups", [h("span", { class: "muted" }, "Replay "), back.label], [
      h("p", { class: "view-note" }, "A group of consumers handles what happens to jobs, at its own pace. What is done here to one group leaves the others where they are."),
      note,
      panel("All groups", [table.element], { more: "is-table" }),
      dead,
    ]),
    moved: (next) => {
      chosen = next;
      looking.now();
    },
    close: () => looking.stop(),
  };
};

/** @param {EventGroup} row */
function queueOf({ queue }) {
  return `the queue ${queue}`;
}
