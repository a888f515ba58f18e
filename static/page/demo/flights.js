// @ts-check
/** Flight delays: the form that asks, and the chart and table that answer. */

/** @import { Submit } from "../cards/view.js" */
import { MOST_BARS, drawBars } from "./chart.js";
import { part, stamp } from "../template.js";
import { count, duration, figure } from "../words.js";

const CARRIERS = {
  "9E": "Endeavor", "AA": "American", "AS": "Alaska", "B6": "JetBlue", "DL": "Delta", "EV": "ExpressJet",
  "F9": "Frontier", "FL": "AirTran", "HA": "Hawaiian", "MQ": "Envoy", "OO": "SkyWest", "UA": "United",
  "US": "US Airways", "VX": "Virgin America", "WN": "Southwest", "YV": "Mesa",
};

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @returns {() => void} Starts one with what the form holds.
 */
export function startFlights(root, submit) {
  const form = part(root, "form", HTMLFormElement);
  const options = Object.entries(CARRIERS).map(([code, name]) => new Option(`${name} (${code})`, code));
  part(root, "carrier", HTMLSelectElement).append(new Option("all", "all"), ...options);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { carrier, by } = Object.fromEntries(new FormData(form));
    submit("flight_delays", `Delays by ${by}, ${carrier === "all" ? "all carriers" : carrier}`, { carrier, by });
  });
  return () => form.requestSubmit();
}

export class FlightsView {
  element = stamp("flights");

  /** @param {any} data */
  progress(data) {
    if (!Array.isArray(data?.rows)) return;
    this.#draw({
      title: "So far", x_label: "", y_label: "",
      labels: data.rows.map((/** @type {any[]} */ row) => String(row[0])),
      values: data.rows.map((/** @type {any[]} */ row) => Number(row[1])),
    });
  }

  log() {}

  /** @param {any} result */
  result({ title, columns, rows, chart, rows_scanned: scanned, elapsed_s: elapsed }) {
    this.#draw({ ...chart, title, labels: chart.labels.map(String) });
    const left = chart.labels.length - MOST_BARS;
    this.#say("note", `${count(scanned)} rows in ${duration(elapsed * 1000)}${left > 0 ? `; ${left} more in the table` : ""}`);
    this.#fillTable(columns, rows);
  }

  /** @param {import("./chart.js").Bars} bars */
  #draw(bars) {
    part(this.element, "figure", HTMLElement).hidden = false;
    this.#say("title", bars.title);
    drawBars(part(this.element, "chart", SVGSVGElement), bars);
  }

  /**
   * @param {{name: string, label: string, unit: string}[]} columns
   * @param {any[][]} rows
   */
  #fillTable(columns, rows) {
    part(this.element, "more", HTMLElement).hidden = false;
    this.#say("summary", `Table of ${count(rows.length)} rows`);
    const heads = columns.map(({ label, unit }) => cell("th", unit ? `${label} (${unit})` : label));
    heads.forEach((head, at) => {
      head.setAttribute("scope", "col");
      head.classList.toggle("is-number", typeof rows[0]?.[at] === "number");
    });
    part(this.element, "head", HTMLElement).replaceChildren(...heads);
    part(this.element, "rows", HTMLElement).replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      line.append(...row.map((value) => {
        const made = cell("td", typeof value === "number" ? figure(value) : String(value ?? "–"));
        made.classList.toggle("is-number", typeof value === "number");
        return made;
      }));
      return line;
    }));
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #say(name, text) {
    part(this.element, name, HTMLElement).textContent = text;
  }
}

/**
 * @param {"td" | "th"} tag
 * @param {string} text
 */
function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
