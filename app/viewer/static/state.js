/** The viewer's state: where it starts, what of it a link holds, and how it is kept whole. Pure. */

import { Share, flag, id, ids, number, oneOf, rows } from "../../shared/link.js";
import { isKnown, placeOf, whyUnknown, withBlends } from "./blends.js";
import { MAX_SCALE, MIN_SCALE } from "./geometry.js";
import { asWritten, atRate, baseOf, ownRateOf } from "./rated.js";
import { rateFrom } from "./rates.js";

export const ORIGINAL = "original";
export const MODES = ["grid", "single", "swipe", "diff"];
/** What the difference view draws: amplified, or as it would be seen. */
export const [DIFFERENCE, FLIP] = ["difference", "flip"];
export const MAX_PINS = 12;
const MOST_NAMED = 3;
const LONGEST_NAMED = 24;

/** @type {Readonly<Linked>} */
export const START = Object.freeze({
  image: "", bpp: 0.1, anchor: 1, panes: [],
  cx: 0.5, cy: 0.5, scale: 0, fit: false, pins: [],
  mode: "grid", pick: "", a: "", b: "", split: 0.5, against: ORIGINAL, map: DIFFERENCE, gain: 4, signed: false,
  smooth: false, loupe: false, minimap: true, captions: true,
});
/** The state before anything is known. @type {State} */
export const NOTHING = Object.freeze({
  ...START, file: "", name: "", size: null, notes: [], flipping: false, reach: null,
});

/** The viewer's share of the address. @param {Catalogue} catalogue */
export function shareOf({ limits }) {
  const scales = /** @type {[number, number]} */ ([MIN_SCALE, MAX_SCALE]);
  const share = number(0, 1);
  const fields = {
    image: id, bpp: rateOf(limits.bpp), anchor: share, panes: ids(limits.panes),
    cx: share, cy: share, scale: number(...scales), fit: flag, pins: rows([[0, 1], [0, 1], scales], MAX_PINS),
    mode: oneOf(MODES), pick: id, a: id, b: id, split: share, against: id, map: oneOf([DIFFERENCE, FLIP]), gain: number(1, 64), signed: flag,
    smooth: flag, loupe: flag, minimap: flag, captions: flag,
  };
  return new Share(fields, START);
}

/** The state that an address asks for; written by hand, it may name a blend in one way only.
 * @param {Share<Linked>} share @param {string} hash @param {Catalogue} catalogue */
export function readLink(share, hash, catalogue) {
  const state = share.read(hash);
  state.panes = [...new Set(state.panes.map(asWritten))].filter((pane) => isKnown(pane, catalogue));
  const places = state.panes.map((pane) => catalogue.blends.map((blend) => placeOf(blend, pane)));
  const place = places.flat().find((one) => one !== undefined);
  if (place !== undefined) state.anchor = number(0, 1).read(place, state.anchor);
  else if (state.panes.length) state.panes = withBlends(state.panes, state.anchor, catalogue);
  return state;
}

/** What of a link's panes and rate is not as it says: a sentence, or nothing.
 * @param {string} hash @param {Catalogue} catalogue */
export function remarkOn(hash, catalogue) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const reasons = /** @type {Map<string, string[]>} */ (new Map());
  const named = new Set(given.get("panes")?.split(",").filter(Boolean));
  for (const pane of named) {
    const why = whyUnknown(pane, catalogue);
    if (why) reasons.set(why, [...(reasons.get(why) ?? []), pane]);
  }
  const left = [...reasons].map(([why, panes]) => `${why}: ${namesOf(panes)}`).join("; ");
  const { panes: most } = catalogue.limits;
  const clauses = [
    left && `Left out, ${left}`,
    named.size > most && `Of the ${named.size} panes in the link only the first ${most} are read`,
    remarkOnRate(given.get("bpp"), catalogue.limits),
  ].filter(Boolean);
  return clauses.length ? `${clauses.join(". ")}.` : "";
}

/** @param {string | null} text @param {Limits} limits */
function remarkOnRate(text, { bpp: [least, most] }) {
  if (text === null || (rateFrom(text) >= least && rateFrom(text) <= most)) return "";
  const taken = rateOf([least, most]).read(text, START.bpp);
  return `The rate is ${taken} instead of ${namesOf([text])}, which is no number between ${least} and ${most}`;
}

/** A rate as people write it, as in the field. @param {[number, number]} limits @returns {Field<number>} */
function rateOf(limits) {
  const field = number(...limits);
  return { ...field, read: (text, fallback) => field.read(String(rateFrom(text)), fallback) };
}

/** @param {string[]} given */
function namesOf(given) {
  const names = given.slice(0, MOST_NAMED).map((one) => `“${one.slice(0, LONGEST_NAMED)}”`);
  return `${names.join(", ")}${given.length > names.length ? ", …" : ""}`;
}

/** What makes another step on the way back: picture, rate, view mode or panes; a blend that moves makes none.
 * @param {Linked} state @param {Catalogue} catalogue */
function stepOf({ image, bpp, mode, panes }, { blends }) {
  const nameOf = (/** @type {string} */ pane) =>
    blends.find((blend) => placeOf(blend, pane) !== undefined)?.prefix ?? baseOf(pane);
  const named = panes.map((pane) => atRate(nameOf(pane), ownRateOf(pane)));
  return JSON.stringify([image, bpp, mode, named]);
}

/** Whether going from one state to the next is a step that Back undoes; the server's own choice is none.
 * @param {Linked} before @param {Linked} after @param {Catalogue} catalogue */
export const isStep = (before, after, catalogue) =>
  before.panes.length > 0 && stepOf(before, catalogue) !== stepOf(after, catalogue);

/** The state after a change, whole again; nobody can write to it. A new scale ends the fit and the reach.
 * @param {State} state @param {Partial<State>} change @returns {State} */
export const changed = (state, change) =>
  Object.freeze(mended({ ...state, ...("scale" in change && { fit: false, reach: null }), ...change }));

/** Modes that need a pane by name get one that is there. @param {State} state */
function mended(state) {
  const { panes } = state;
  if (!panes.length) return state; // the server is yet to say which
  const there = (/** @type {string} */ id, fallback = "") => (panes.includes(id) ? id : fallback);
  const a = there(state.a, panes[0]);
  return {
    ...state,
    pick: there(state.pick, panes[1] ?? panes[0]),
    a,
    b: there(state.b, panes.find((id) => id !== a && id !== ORIGINAL)),
    against: there(state.against, panes[0]),
  };
}

/** What becomes of the state where one pane takes the place of another, which is there once at most.
 * @param {State} state @param {string} pane @param {string} next @returns {Partial<State>} */
export function replaced({ panes, pick, a, b, against }, pane, next) {
  const put = (/** @type {string} */ one) => (one === pane ? next : one);
  return { panes: [...new Set(panes.map(put))], pick: put(pick), a: put(a), b: put(b), against: put(against) };
}

/** Panes that are on the screen in this mode: all, one, or the two sides of the swipe. @param {State} state */
export function visiblePanes({ mode, panes, pick, a, b }) {
  const there = (/** @type {string[]} */ ...ids) => ids.filter((id) => panes.includes(id));
  if (mode === "single") return there(pick).concat(panes).slice(0, 1);
  if (mode === "swipe") return there(a, b).concat(panes).slice(0, 2);
  return panes;
}
