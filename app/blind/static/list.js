/** Candidates and pictures of a test that is being made. Pure. */

import { isOpened } from "../../viewer/static/opened.js";
import { atRate, ownRateOf } from "../../viewer/static/rated.js";

/** Panes that somebody typed, between commas or spaces; each once. @param {string} text */
export const panesIn = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean).map((one) => one.slice(0, 48)))];

/** The panes at their rates, each once; which are the same at the common rate are one.
 * @param {string[]} panes @param {number} bpp */
export const atTheirRates = (panes, bpp) =>
  [...new Set(panes.map((one) => (isOpened(one) ? one : atRate(one, ownRateOf(one) ?? bpp))))];

/** Whether some of them have no partner at their rate, so that rates have to be mixed.
 * @param {string[]} panes @param {number} bpp */
export function needsAcross(panes, bpp) {
  const rates = atTheirRates(panes, bpp).map((one) => (isOpened(one) ? null : ownRateOf(one)));
  const others = (/** @type {number} */ at) => rates.filter((_, other) => other !== at);
  return rates.some((rate, at) => rate !== null && !others(at).some((other) => other === null || other === rate));
}

/** Pictures that a test can have: the one on the screen first, then the gallery and the visitor's own.
 * @param {{id: string, name: string, spots: number[][]}} current
 * @param {Pick<Sample, "id" | "title" | "spots">[]} samples
 * @param {{key: string, name: string, file: boolean}[]} recents */
export function picturesFor(current, samples, recents) {
  const gallery = samples.map(({ id, title, spots }) => ({ id, title, name: id.split("/").at(-1) ?? id, spots: spots.map(([, ...spot]) => spot) }));
  const own = recents.filter(({ file }) => !file).map(({ key, name }) => ({ id: key, title: name, name, spots: [] }));
  const all = [...gallery, ...own];
  const known = all.find(({ id }) => id === current.id);
  const first = { ...known, id: current.id, title: known?.title || current.name || "Your picture", name: known?.name || current.name || "picture", spots: current.spots };
  return [first, ...all.filter(({ id }) => id !== current.id)];
}
