// @ts-check
/** What of the kinds changed when a worker last registered another record of each: whether it breaks anything, and what to do. */

/** @import { ChangedKind, SchemaChange } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { h, mark, say } from "../parts/dom.js";
import { Table } from "../parts/table.js";
import { again, page, panel } from "../parts/view.js";
import { NONE, ago, count, moment } from "../parts/words.js";

/** ms; kinds change with deploys. */
const EVERY_MS = 5000;

/** Kinds that the page shows. */
const LIMIT = 100;

/** @typedef {{kind: ChangedKind, change: SchemaChange | null, at: number}} Line A change; or a kind none of whose changes breaks anything. */

/** What each level is called, and its tone. */
const LEVELS = /** @type {const} */ ({ breaking: ["breaks", "bad"], allowed: ["new version", "warn"], notice: ["notice", "warn"] });
const SOUND = /** @type {const} */ (["nothing breaks", "good"]);
const UNREADABLE = /** @type {const} */ (["unreadable", "warn"]);

/** @type {Page} */
export const kinds = ({ api }) => {
  const note = h("p", { class: "view-note", role: "status" });

  /** @type {Table<Line>} */
  const table = new Table({
    caption: "Changes of kinds",
    key: ({ kind, at }) => `${kind.kind} ${at}`,
    empty: "No kind has changed since it was registered.",
    columns: [
      { head: "Kind", text: ({ kind }) => kind.kind },
      { head: "What has changed", make: block, update: (made, line) => fill(made.children, line) },
      { head: "Version", number: true, text: ({ kind }) => versions(kind) },
      { head: "Changed", make: () => h("time"), update: (time, { kind }) => {
        say(time, ago(kind.at));
        mark(time, "title", moment(kind.at));
      } },
    ],
  });

  const looking = again(EVERY_MS, async () => {
    /** @type {{kinds: ChangedKind[], total: number}} */
    const found = await api.get("kinds/changes", { limit: LIMIT });
    table.show(found.kinds.flatMap(lines));
    say(note, summary(found));
  });

  return {
    title: "Kinds",
    element: page("Kinds", [note], [panel("Last change of each kind", [table.element], { more: "is-table" })]),
    close: () => looking.stop(),
  };
};

/** Where a line says what has changed: all in one place, which a phone shows without scrolling. */
function block() {
  return h("div", { class: "change" },
    h("p", { class: "change-head" }, h("span", { class: "chip" }), h("span")),
    h("code", { class: "mono" }), h("p", { class: "change-detail" }), h("p"), h("p"));
}

/**
 * @param {HTMLCollection} parts
 * @param {Line} line
 */
function fill([head, where, detail, breaks, advice], { kind, change }) {
  const [verdict, tone] = change ? LEVELS[change.level] : kind.unreadable ? UNREADABLE : SOUND;
  const [chip, what] = head.children;
  say(chip, verdict);
  mark(chip, "data-tone", tone);
  say(what, change?.says ?? (kind.unreadable || fields(kind)));
  say(where, change?.pointer ?? "");
  say(detail, change?.detail ?? "");
  say(breaks, change ? `Breaks ${change.breaks.join(", ")}.` : "");
  say(advice, change ? `To do: ${change.advice}.` : "");
}

/** @param {ChangedKind} kind @returns {Line[]} */
function lines(kind) {
  if (kind.changes.length === 0) return [{ kind, change: null, at: 0 }];
  return kind.changes.map((change, at) => ({ kind, change, at }));
}

/** @param {ChangedKind} kind */
function versions({ version_before: before, version }) {
  if (before === null || version === null) return NONE;
  return before === version ? String(version) : `${before} → ${version}`;
}

/** @param {ChangedKind} kind */
function fields({ fields: names }) {
  return names.length === 0 ? "how it is written" : names.map((name) => name.replaceAll("_", " ")).join(", ");
}

/** @param {{kinds: ChangedKind[], total: number}} found */
function summary({ kinds: shown, total }) {
  const broken = shown.filter(({ changes }) => changes.some(({ level }) => level === "breaking")).length;
  const cut = shown.filter(({ more }) => more > 0).map(({ kind, more }) => `${count(more)} more of ${kind}`);
  return [
    broken > 0 && `${count(broken)} ${broken === 1 ? "kind has" : "kinds have"} changed in a way that breaks something: tidings schema check says so before a deploy.`,
    cut.length > 0 && `Not shown: ${cut.join(", ")}.`,
    total > LIMIT && `The last ${count(LIMIT)} of ${count(total)} changed kinds.`,
  ].filter(Boolean).join(" ");
}
