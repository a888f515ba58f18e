// @ts-check
/** Light, dark, or as the system has it; remembered in this browser. */

import { shell } from "./parts/dom.js";

const KEY = "tidings-theme";
const NEXT = /** @type {const} */ ({ system: "dark", dark: "light", light: "system" });

/** @typedef {keyof typeof NEXT} Theme */

/** @param {() => void} changed What is painted rather than styled has to be painted again. */
export function startTheme(changed) {
  const button = shell("theme", HTMLButtonElement);
  let theme = read();
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = { system: "◐", dark: "☾", light: "☀" }[theme];
    button.setAttribute("aria-label", `Colours: ${theme}. Change to ${NEXT[theme]}`);
    button.title = `Colours: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    write(theme);
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}

/** @returns {Theme} */
function read() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : "system";
  } catch {
    return "system"; // a browser that keeps nothing
  }
}

/** @param {Theme} theme */
function write(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it holds until the page is left
  }
}
