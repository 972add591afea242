/** Rates on a logarithmic slider, and rates and sizes in words. Pure. */

import { clamp, rounded } from "../../shared/arithmetic.js";

/** The ends of the slider in bits per pixel: a field beside it takes all that the server codes at. */
export const LOW = 0.01;
export const HIGH = 1;
export const STEPS = 200;
export const PRESETS = [
  { bpp: 0.02, name: "extreme" },
  { bpp: 0.05, name: "low" },
  { bpp: 0.1, name: "" },
  { bpp: 0.2, name: "" },
  { bpp: 0.5, name: "high" },
];

/** Rate at a slider position, with no more digits than matter. @param {number} position */
export const rateAt = (position) => Number((LOW * (HIGH / LOW) ** (position / STEPS)).toPrecision(3));

/** Slider position of a rate; the nearest end outside. @param {number} bpp */
export const positionOf = (bpp) => Math.round(STEPS * clamp(Math.log(bpp / LOW) / Math.log(HIGH / LOW), 0, 1));

/** The next rate up or down: as far as one position of the slider, also beyond its ends.
 * @param {number} bpp @param {number} way */
export const rateStep = (bpp, way) => Number((bpp * (HIGH / LOW) ** (way / STEPS)).toPrecision(3));

/** A rate as people write it, with a point or a comma, in the digits that links hold; NaN for what is no number.
 * @param {string} text */
export function rateFrom(text) {
  const plain = text.trim();
  if (!/^[+-]?[\d.,]+(e[+-]?\d+)?$/i.test(plain)) return NaN;
  return rounded(Number(plain.replace(/^([^.,]*),([^.,]*)$/, "$1.$2")));
}

export const grouped = (/** @type {number} */ value) => value.toLocaleString("en").replaceAll(",", "\u202f");

export function bytesText(/** @type {number} */ bytes) {
  if (bytes < 10_000) return `${grouped(Math.round(bytes))} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export const rateText = (/** @type {number} */ bpp) => (bpp < 1 ? bpp.toFixed(4) : bpp.toFixed(3));

/** How far a file is from the size that was asked for. @param {number} deviation */
export function deviationText(deviation) {
  const percent = 100 * deviation;
  const digits = Math.abs(percent) < 0.95 ? 1 : 0;
  const text = Math.abs(percent).toFixed(digits);
  return Number(text) === 0 ? "±0 %" : `${percent > 0 ? "+" : "−"}${text} %`;
}
