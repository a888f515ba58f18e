// @ts-check
/** Pictures on their way to a job: made to fit one frame, and a sample for who has none at hand. */

import { count, size } from "../words.js";

/** Formats that jobs read; any other is sent as a JPEG. */
const READ = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"]);
/** Bytes of a submit frame that are not the picture: names, key, filters. */
const FRAME_REST = 2048;
const QUALITY = 0.85;
/** A photograph at this edge, in pixels, is plenty for thumbnails. */
const FIRST_EDGE = 2048;
/** Each further try is smaller by this factor. */
const SHRINK = 0.75;

/**
 * @typedef {object} Fitted
 * @property {Blob} blob
 * @property {string} said What was done to it; empty: nothing.
 */

/**
 * Returns the picture, or a smaller one that fits the limit once it is base64 in a frame.
 *
 * @param {File} file
 * @param {number} maxFrameBytes
 * @returns {Promise<Fitted>}
 * @throws {Error} This browser cannot read it.
 */
export async function fit(file, maxFrameBytes) {
  const most = Math.floor(((maxFrameBytes - FRAME_REST) * 3) / 4); // base64: four characters for three bytes
  const isRead = READ.has(file.type);
  if (isRead && file.size <= most) return { blob: file, said: "" };
  const why = isRead
    ? `${file.name} is ${size(file.size)}, and one message may hold ${size(maxFrameBytes)}`
    : `${file.name} is in a format that is not read here`;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${why}; this browser cannot convert it.`);
  });
  let scale = Math.min(1, FIRST_EDGE / Math.max(bitmap.width, bitmap.height));
  for (;;) {
    const canvas = drawScaled(bitmap, scale);
    const blob = await encode(canvas);
    if (blob.size <= most) {
      return { blob, said: `${why}: sent as a JPEG of ${count(canvas.width)} × ${count(canvas.height)}, ${size(blob.size)}.` };
    }
    scale *= SHRINK;
  }
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>} Without the `data:` prefix.
 */
export function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Returns a landscape, drawn here. @returns {Promise<File>} */
export async function sample() {
  const canvas = blank(960, 640);
  const context = brush(canvas);
  paintSky(context);
  HILLS.forEach(([colour, level, swing, wave], at) => paintHill(context, { colour, level, swing, wave, at }));
  paintPlane(context);
  return new File([await encode(canvas)], "sample.jpg", { type: "image/jpeg" });
}

/** @type {[colour: string, level: number, swing: number, wave: number][]} Far to near. */
const HILLS = [
  ["#8b7fc7", 400, 46, 150], ["#5d62b5", 450, 38, 110], ["#39478f", 510, 44, 190], ["#1d2a5c", 575, 26, 130],
];

/** @param {CanvasRenderingContext2D} context */
function paintSky(context) {
  const { width, height } = context.canvas;
  const sky = context.createLinearGradient(0, 0, 0, height * 0.8);
  sky.addColorStop(0, "#2b3a8c");
  sky.addColorStop(0.45, "#c76a9a");
  sky.addColorStop(0.75, "#ffb26b");
  sky.addColorStop(1, "#ffe3a8");
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  const glow = context.createRadialGradient(640, 340, 20, 640, 340, 260);
  glow.addColorStop(0, "rgb(255 246 214 / 1)");
  glow.addColorStop(0.22, "rgb(255 232 170 / 0.9)");
  glow.addColorStop(1, "rgb(255 200 120 / 0)");
  context.fillStyle = glow;
  context.fillRect(0, 0, width, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{colour: string, level: number, swing: number, wave: number, at: number}} hill
 */
function paintHill(context, { colour, level, swing, wave, at }) {
  const { width, height } = context.canvas;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width; x += 4) {
    context.lineTo(x, level + swing * Math.sin(x / wave + at * 2) + (swing / 3) * Math.sin(x / (wave / 3.7) + at));
  }
  context.lineTo(width, height);
  context.fillStyle = colour;
  context.fill();
}

/** @param {CanvasRenderingContext2D} context */
function paintPlane(context) {
  const shape = (/** @type {string} */ colour, /** @type {string} */ path) => {
    context.fillStyle = colour;
    context.fill(new Path2D(path));
  };
  context.save();
  context.translate(180, 90);
  context.scale(8, 8);
  shape("#ffffff", "M6.5 15.6 25.5 7l-5.6 18.5-5-7.2z");
  shape("#c9cffb", "M14.9 18.3 25.5 7l-8.1 14.9z");
  context.restore();
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} scale
 */
function drawScaled(bitmap, scale) {
  const canvas = blank(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const context = brush(canvas);
  context.fillStyle = "#fff"; // a JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * @param {number} width
 * @param {number} height
 */
function blank(width, height) {
  const canvas = document.createElement("canvas");
  return Object.assign(canvas, { width, height });
}

/** @param {HTMLCanvasElement} canvas */
function brush(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
function encode(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture cannot be encoded"))), "image/jpeg", QUALITY);
  });
}
