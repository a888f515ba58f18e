// @ts-check
/** The page: Django submits, and the page follows each report by a grant that Django gives it. */

import { Tidings } from "tidings";

const { tidings: address = "", csrf = "" } = document.body.dataset;
const tidings = new Tidings(address);

const at = (/** @type {string} */ selector) => /** @type {any} */ (document.querySelector(selector));

/**
 * Asks Django; a user whose session is over goes to the login.
 *
 * @param {string} path
 * @param {object} [body]
 */
async function ask(path, body = {}) {
  const headers = { "content-type": "application/json", "x-csrftoken": csrf };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.status === 401) location.assign("/login/");
  if (answer.headers.get("content-type")?.includes("json")) {
    const found = await answer.json();
    if (answer.ok) return found;
    throw new Error(found.detail);
  }
  throw new Error(`Django answered ${answer.status}`);
}

/** @param {number | string} id */
async function show(id) {
  const row = at("#row").content.cloneNode(true).firstChild;
  const [status, bar, text] = ["output", "progress", "span"].map((name) => row.querySelector(name));
  at("#list").prepend(row);
  const granted = () => ask(`/reports/${id}/grant/`);
  try {
    const { token, grant: first } = await granted();
    let known = first;
    const grant = async () => {
      const one = known ?? (await granted()).grant;
      known = undefined;
      return one;
    };
    const job = tidings.watch(token, { grant });
    job.on("state", () => { status.value = job.status; });
    job.on("progress", ({ data }) => {
      bar.value = data.fraction ?? 0;
      text.textContent = data.message ?? "";
    });
    const { cents, best_month: best } = await job.result;
    bar.value = 1;
    text.textContent = `sold ${cents / 100}, most in ${best}`;
  } catch (error) {
    text.textContent = /** @type {Error} */ (error).message;
  }
}

at("#submit").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  at("#notice").textContent = "";
  const form = /** @type {HTMLFormElement} */ (event.target);
  try {
    const { id } = await ask("/reports/", { year: new FormData(form).get("year") });
    void show(id);
  } catch (error) {
    at("#notice").textContent = /** @type {Error} */ (error).message;
  }
});

at("#submit button").disabled = false; // the script is here
for (const { dataset } of at("#known").children) void show(dataset.id);
