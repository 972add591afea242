/** The state of the plot's controls: where it starts, what a link holds, which curves are on. Pure. */

import { Share, flag, ids, oneOf, rows, words } from "../../shared/link.js";

const MAX_CHOSEN = 200;

/** Upper ends of the range presets in bits per pixel. @type {Record<string, number>} */
export const RANGES = { usual: 1, low: 0.2, ultra: 0.05 };

/** This part's share of the address. @param {Pick<PlotState, "dataset" | "metric">} first what opens */
export function shareOf(first) {
  /** @type {PlotState} */
  const start = { ...first, reference: "", log: true, range: "usual", zoom: [], own: true, on: [], off: [] };
  const fields = {
    dataset: words(80), metric: words(40), reference: { ...words(400), was: "anchor" },
    log: flag, own: flag, range: oneOf(["all", ...Object.keys(RANGES), "custom"]),
    zoom: rows([[-1e6, 1e6], [-1e6, 1e6]], 2),
    on: ids(MAX_CHOSEN), off: ids(MAX_CHOSEN),
  };
  return new Share(fields, start, "rd-");
}

/** Whether a legend entry is ticked: what the user chose, otherwise its default.
 * @param {Pick<Curve, "group" | "on">} curve @param {Pick<PlotState, "on" | "off">} state */
export const isOn = ({ group, on }, state) =>
  state.on.includes(group) || (on && !state.off.includes(group));

/** Whether a curve is drawn. @param {Curve} curve @param {PlotState} state */
export const isShown = (curve, state) => isOn(curve, state) && (curve.kind !== "picture" || state.own);

/** The entries ticked or not, after a choice; what is as it would be anyway needs no mention.
 * @param {PlotState} state @param {Curve[]} entries @param {boolean} on */
export function withChosen(state, entries, on) {
  const groups = new Set(entries.map(({ group }) => group));
  const others = (/** @type {string[]} */ list) => list.filter((group) => !groups.has(group));
  const unlike = entries.filter((curve) => curve.on !== on).map(({ group }) => group);
  return {
    on: [...others(state.on), ...(on ? unlike : [])],
    off: [...others(state.off), ...(on ? [] : unlike)],
  };
}
