// @ts-check
/** Connections: who listens, and who does not keep up. */

/** @import { ConnectionLine } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { h, mark, say } from "../parts/dom.js";
import { Table } from "../parts/table.js";
import { again, page, panel } from "../parts/view.js";
import { NONE, ago, count, ms, size } from "../parts/words.js";

const EVERY_MS = 2000;

/** @type {Page} */
export const connections = ({ api }) => {
  const note = h("p", { class: "view-note" });
  /** @type {Table<ConnectionLine>} */
  const table = new Table({
    caption: "Connections, the slowest readers first",
    key: ({ connection }) => connection,
    empty: "No client is connected to this server.",
    columns: [
      { head: "Connection", make: (row) => h("span", { class: "mono" }, row().connection) },
      { head: "Caller", text: ({ caller }) => caller || NONE },
      { head: "Address", text: ({ address }) => address || NONE },
      { head: "By", text: ({ kind }) => kind },
      { head: "Since", text: ({ since }) => ago(since) },
      { head: "Jobs watched", number: true, text: ({ watches }) => count(watches) },
      { head: "Not read yet", number: true, text: (line) => size(line.waiting_bytes) },
      { head: "Pace", make: () => h("span", { class: "chip" }), update: (chip, { slow }) => {
        say(chip, slow ? "slow" : "keeps up");
        mark(chip, "data-tone", slow ? "bad" : "good");
      } },
    ],
  });
  const asking = again(EVERY_MS, async (signal) => {
    const { server, connections: lines, more } = await api.get("connections", {}, signal);
    say(note, `The connections of the server process ${server}, which answered. Each process lists its own.${more ? ` ${count(more)} more are not shown.` : ""}`);
    table.show([...lines].sort(slowestFirst));
  });
  return {
    title: "Connections",
    element: page("Connections", [], [note, panel("Sockets and streams", [table.element], { more: "is-table" })]),
    close: asking.stop,
  };
};

/**
 * @param {ConnectionLine} one
 * @param {ConnectionLine} other
 */
function slowestFirst(one, other) {
  return Number(other.slow) - Number(one.slow) || other.waiting_bytes - one.waiting_bytes || (ms(one.since) ?? 0) - (ms(other.since) ?? 0);
}
