/** The viewer's state: where it starts, what of it a link holds, and how it is kept whole. Pure. */

import { MAX_SCALE, MIN_SCALE } from "./geometry.js";
import { Share, flag, id, ids, number, oneOf, rows } from "./link.js";

export const MODES = ["grid", "single", "swipe", "diff"];
export const MAX_PANES = 12;
export const MAX_PINS = 12;

export const START = Object.freeze({
  image: "",
  bpp: 0.1,
  anchor: 1,
  mode: "grid",
  cx: 0.5,
  cy: 0.5,
  scale: 0,
  panes: [],
  pick: "",
  a: "",
  b: "",
  split: 0.5,
  against: "original",
  gain: 4,
  signed: false,
  smooth: false,
  loupe: false,
  minimap: true,
  captions: true,
  pins: [], // crops of this picture: [cx, cy, scale]
});

/** The viewer's share of the address. */
export const LINK = new Share(
  {
    image: id,
    bpp: number(0.001, 8),
    anchor: number(0, 1),
    mode: oneOf(MODES),
    cx: number(0, 1),
    cy: number(0, 1),
    scale: number(MIN_SCALE, MAX_SCALE),
    panes: ids(MAX_PANES),
    pick: id,
    a: id,
    b: id,
    split: number(0, 1),
    against: id,
    gain: number(1, 64),
    signed: flag,
    smooth: flag,
    loupe: flag,
    minimap: flag,
    captions: flag,
    pins: rows([[0, 1], [0, 1], [MIN_SCALE, MAX_SCALE]], MAX_PINS),
  },
  START,
);

const isBlend = (pane) => /^mode-[01]?\.?\d/.test(pane);

/** Panes after the anchor moved: strictly between its ends, one pane shows the blend. */
export function withBlend(panes, anchor) {
  const blend = anchor > 0 && anchor < 1 ? `mode-${anchor}` : "";
  const at = panes.findIndex(isBlend);
  const rest = panes.filter((pane) => !isBlend(pane));
  if (!blend) return rest;
  const last = Math.max(rest.indexOf("mode-f"), rest.indexOf("mode-p"));
  rest.splice(at >= 0 ? at : last + 1 || rest.length, 0, blend);
  return rest.slice(0, MAX_PANES);
}

/** What the server chose, and the blend that an address asks for beside it. */
export function chosenBeside(ids, anchor) {
  const more = ids.includes("mode-f") ? withBlend(ids, anchor) : ids;
  return more.length > ids.length ? more : ids;
}

/** The state that an address asks for; written by hand, it may name the blend in one way only. */
export function readLink(hash) {
  const state = LINK.read(hash);
  const blend = state.panes.find(isBlend);
  if (blend) state.anchor = number(0, 1).read(blend.slice("mode-".length), state.anchor);
  else if (state.panes.length) state.panes = withBlend(state.panes, state.anchor);
  return state;
}

/** Modes that need a pane by name get one that is there. */
export function mendPairs(state) {
  const { panes } = state;
  if (!panes.length) return; // the server is yet to say which
  const there = (id, fallback) => (panes.includes(id) ? id : (fallback ?? ""));
  state.pick = there(state.pick, panes[1] ?? panes[0]);
  state.a = there(state.a, panes[0]);
  state.b = there(state.b, panes.find((id) => id !== state.a && id !== "original"));
  state.against = there(state.against, panes[0]);
}
