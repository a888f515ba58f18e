// @ts-check
/** Thumbnails: a picture dropped, chosen, pasted or drawn; and those made of it, as they come. */

/** @import { Submit } from "../cards/view.js" */
import { base64, fit, sample } from "./picture.js";
import { fill, part, stamp } from "../template.js";
import { count, size } from "../words.js";

const FILTERS = ["original", "grayscale", "sepia", "edges", "blur", "posterize"];
/** Until the server's limit is known. */
const LIKELY_LIMIT = 1_048_576;
/** More pictures than this are counted, not shown. */
const SHOWN = 60;

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @param {() => number | undefined} maxFrameBytes
 * @returns {() => void} Starts one with the sample picture.
 */
export function startPictures(root, submit, maxFrameBytes) {
  const note = part(root, "note", HTMLElement);
  const pills = part(root, "filters", HTMLElement);
  pills.append(...FILTERS.map((filter) => {
    const pill = fill("pill", { text: filter });
    Object.assign(/** @type {HTMLInputElement} */ (pill.firstElementChild), { value: filter, name: "filter" });
    return pill;
  }));

  const send = async (/** @type {File} */ file) => {
    try {
      if (!file.type.startsWith("image/")) throw new Error(`${file.name} is not a picture.`);
      const { blob, said } = await fit(file, maxFrameBytes() ?? LIKELY_LIMIT);
      const filters = [...pills.querySelectorAll("input:checked")].map((box) => /** @type {HTMLInputElement} */ (box).value);
      const chosen = filters.length > 0 && filters.length < FILTERS.length ? { filters } : {};
      note.textContent = said;
      submit("thumbnails", `Thumbnails of ${file.name}`, { name: file.name, image: await base64(blob), ...chosen });
    } catch (error) {
      note.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  const trySample = async () => send(await sample());

  part(root, "form", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  part(root, "sample", HTMLButtonElement).addEventListener("click", trySample);
  takeFiles(root, send);
  return trySample;
}

/**
 * @param {HTMLElement} root
 * @param {(file: File) => void} send
 */
function takeFiles(root, send) {
  const input = part(root, "file", HTMLInputElement);
  const drop = part(root, "drop", HTMLElement);
  const usable = () => !drop.closest("fieldset")?.disabled;
  const sendAll = (/** @type {FileList | undefined | null} */ files) => { if (usable()) [...(files ?? [])].forEach(send); };
  const isOver = (/** @type {boolean} */ over) => drop.classList.toggle("is-over", over && usable());

  input.addEventListener("change", () => {
    sendAll(input.files);
    input.value = ""; // the same file may be chosen again
  });
  drop.addEventListener("dragleave", () => isOver(false));
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // a picture dropped beside the zone must not replace the page
    isOver(drop.contains(/** @type {Node} */ (event.target)));
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    isOver(false);
    if (drop.contains(/** @type {Node} */ (event.target))) sendAll(event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => sendAll(event.clipboardData?.files));
}

export class PicturesView {
  element = stamp("pictures");
  #made = 0;

  progress() {}

  /** @param {any} chunk */
  log(chunk) {
    if (typeof chunk?.data !== "string" || !/^image\/[a-z+.-]+$/.test(chunk.media_type)) return;
    this.#made += 1;
    const rest = part(this.element, "rest", HTMLElement);
    rest.hidden = this.#made <= SHOWN;
    rest.textContent = `and ${count(this.#made - SHOWN)} more`;
    if (this.#made <= SHOWN) part(this.element, "pictures", HTMLElement).append(picture(chunk));
  }

  /** @param {any} result */
  result({ width, height, format, made, bytes }) {
    part(this.element, "summary", HTMLElement).textContent =
      `${count(made)} pictures, ${size(bytes)}, from one of ${count(width)} × ${count(height)} (${format})`;
  }
}

/** @param {{size: number, filter: string, width: number, height: number, bytes: number, media_type: string, data: string}} chunk */
function picture({ size: edge, filter, width, height, bytes, media_type: mediaType, data }) {
  const made = fill("picture", { name: filter, size: `${edge} px · ${size(bytes)}` });
  const source = `data:${mediaType};base64,${data}`;
  Object.assign(part(made, "image", HTMLImageElement), { src: source, alt: `${filter}, ${width} × ${height}` });
  Object.assign(part(made, "link", HTMLAnchorElement), {
    href: source, download: `${filter}-${edge}.${mediaType.slice("image/".length)}`, title: `Save (${width} × ${height})`,
  });
  return made;
}
