// @ts-check
/** The page: it submits through the application, and follows each report by its grant. */

import { Tidings } from "/tidings/static/tidings.js";

const tidings = new Tidings();
const watched = new AbortController();

const at = (/** @type {string} */ selector) => /** @type {any} */ (document.querySelector(selector));

/**
 * Asks the application; a user whose session is over sees the login.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
async function ask(method, path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) showLogin();
  const found = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(typeof found.detail === "string" ? found.detail : "the input is wrong");
  return found;
}

function showLogin() {
  watched.abort(); // follows nothing of the user any more
  at("#reports").hidden = true;
  at("#login").hidden = false;
}

/**
 * Shows a report as it comes.
 *
 * @param {string} token
 * @param {string} [first] The grant that came with the token.
 */
function show(token, first) {
  const row = at("#row").content.cloneNode(true).firstChild;
  const [status, bar, text] = ["output", "progress", "span"].map((name) => row.querySelector(name));
  at("#list").prepend(row);
  const grant = async () => {
    const known = first;
    first = undefined;
    return known ?? (await ask("POST", `/reports/${token}/grant`)).grant;
  };
  const job = tidings.watch(token, { grant, signal: watched.signal });
  job.on("state", () => { status.value = job.status; });
  job.on("progress", ({ data }) => {
    bar.value = data.fraction ?? 0;
    text.textContent = data.message;
  });
  job.result.then(
    ({ user, cents, best_month: best }) => {
      bar.value = 1;
      text.textContent = `${user} sold ${cents / 100}, most in ${best}`;
    },
    (error) => { if (error.code !== "unwatched") text.textContent = error.message; },
  );
}

/** @param {(form: FormData) => Promise<void>} act */
const submitted = (act) => async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  at("#notice").textContent = "";
  try {
    await act(new FormData(/** @type {HTMLFormElement} */ (event.target)));
  } catch (error) {
    at("#notice").textContent = /** @type {Error} */ (error).message;
  }
};

at("#login").addEventListener("submit", submitted(async (form) => {
  await ask("POST", "/login", Object.fromEntries(form));
  location.reload(); // with a connection of the user
}));

at("#submit").addEventListener("submit", submitted(async (form) => {
  const { token, grant } = await ask("POST", "/reports", { year: Number(form.get("year")) });
  show(token, grant.grant);
}));

at("#logout").addEventListener("click", async () => {
  await ask("POST", "/logout");
  location.reload();
});

try {
  at("#user").textContent = await ask("GET", "/me");
  at("#reports").hidden = false;
  for (const { token } of (await ask("GET", "/reports")).reverse()) show(token);
} catch (error) {
  at("#notice").textContent = /** @type {Error} */ (error).message;
}
