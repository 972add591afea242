/** The state of the plot's controls: where it starts, what a link holds, which curves are on. Pure. */

import { Share, flag, ids, number, oneOf, rows, words } from "../../shared/link.js";

const MAX_CHOSEN = 200;
const MARKS = "rd-marks=";
const OF_TODAY = /[#&]rd-(marks|view|x|y|at)=/;

/** The picture on screen as a data set of its own; what the server calls it. */
export const THIS = "@picture";

/** Upper ends of the range presets in bits per pixel. @type {Record<string, number>} */
export const RANGES = { usual: 1, low: 0.2, ultra: 0.05 };

/** Links of before say nothing of the picture's points, which stood over every mean.
 * @param {string} hash */
const isOlder = (hash) => /[#&]rd-/.test(hash) && !OF_TODAY.test(hash);

/** What a link holds of the plot: one that holds anything says whether the picture's points are there.
 * @extends {Share<PlotState>} */
class PlotShare extends Share {
  /** @param {string} hash */
  read(hash) {
    const state = super.read(hash);
    return isOlder(hash) ? { ...state, marks: true } : state;
  }

  /** @param {string} hash @param {Readonly<PlotState>} state */
  into(hash, state) {
    const all = super.into(hash, state);
    return isOlder(all) ? `#${[...all.slice(1).split("&"), `${MARKS}0`].sort().join("&")}` : all;
  }
}

/** This part's share of the address.
 * @param {Pick<PlotState, "dataset" | "metric" | "x" | "y">} first what opens */
export function shareOf(first) {
  /** @type {PlotState} */
  const start = {
    ...first, reference: "", log: true, range: "usual", zoom: [], own: true, marks: false,
    view: "rate", at: 0, on: [], off: [],
  };
  const fields = {
    dataset: words(80), metric: words(40), reference: { ...words(400), was: "anchor" },
    log: flag, own: flag, marks: flag, range: oneOf(["all", ...Object.keys(RANGES), "custom"]),
    zoom: rows([[-1e6, 1e6], [-1e6, 1e6]], 2), view: oneOf(["rate", "plane"]),
    x: words(40), y: words(40), at: number(0, 100), // 0 is the usual rate
    on: ids(MAX_CHOSEN), off: ids(MAX_CHOSEN),
  };
  return new PlotShare(fields, start, "rd-");
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
