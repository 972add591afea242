/** Panes with a rate of their own: `that-one@0.05` beside `that-one`, which follows the common rate. Pure. */

import { rounded } from "../../shared/arithmetic.js";
import { bytesFrom, isCoded } from "./opened.js";
import { rateFrom } from "./rates.js";

const RATED = /^([^@]+)@(\d{1,3}(?:\.\d{0,8})?|\.\d{1,8})$/;

/** The pane that follows the common rate: of which codec, at which anchor. @param {string} pane */
export const baseOf = (pane) => RATED.exec(pane)?.[1] ?? pane;

/** A pane's own rate; null where it follows the common one. @param {string} pane */
export function ownRateOf(pane) {
  const found = RATED.exec(pane);
  return found ? rounded(Number(found[2])) : null;
}

/** The pane at a rate of its own, or at the common one; what is not coded has none.
 * @param {string} pane @param {number | null} bpp */
export function atRate(pane, bpp) {
  const base = baseOf(pane);
  return bpp === null || !isCoded(base) ? base : `${base}@${rounded(bpp)}`;
}

/** The same pane as everybody writes it: links by hand may have more digits. @param {string} pane */
export const asWritten = (pane) => atRate(pane, ownRateOf(pane));

/** What a pane is called where others of its codec may stand beside it. @param {string} label @param {string} pane */
export function ratedLabel(label, pane) {
  const own = ownRateOf(pane);
  return own === null ? label : `${label} at ${own} bpp`;
}

/** The label without its rate. @param {string} label @param {string} pane */
export const baseLabel = (label, pane) => label.slice(0, label.length - ratedLabel("", pane).length);

/** Whether a pane of such a size is to be compared with those at the common rate.
 * @param {{own_bpp?: number | null, bpp: number | null}} pane @param {number} common @param {number} unequal */
export const isAside = ({ own_bpp: own = null, bpp }, common, unequal) =>
  own !== null && bpp !== null && Math.abs(bpp / common - 1) > unequal;

/** A size as people write it, 0.05 or 0.05 bpp, 4971 or 4,971 or 5 kB, as a rate; NaN for what is none. A bare
 * number is a rate as long as it can be one.
 * @param {string} text @param {Size} size @param {number} most the highest rate there is */
export function rateOfSize(text, { width, height }, most) {
  const grouped = /^\s*\d{1,3}(,\d{3})+\s*$/.test(text);
  const rate = grouped ? NaN : rateFrom(text.replace(/\s*bpp\s*$/i, ""));
  if (rate <= most) return rate;
  const bytes = bytesFrom(text);
  return bytes ? rounded((8 * bytes) / (width * height)) : rate;
}

/** What would be wrong with such a rate for this pane, in words; nothing where it can be.
 * @param {string} pane @param {number} bpp @param {string[]} panes @param {Limits} limits */
export function refusalOf(pane, bpp, panes, { bpp: [least, most] }) {
  if (Number.isNaN(bpp)) return "Write a rate, as 0.05, or a size, as 4971 or 5 kB";
  if (bpp < least || bpp > most) return `That would be ${bpp} bits per pixel; the rate must be between ${least} and ${most}`;
  return panes.includes(atRate(pane, bpp)) ? "It stands here at this size already" : "";
}
