/** The page's state, to the address bar and back. Pure; whatever the address says is checked. */

import { MAX_SCALE, MIN_SCALE, clamp } from "./geometry.js";

export const MODES = ["grid", "single", "swipe", "diff"];
const ID = /^[a-z0-9][a-z0-9.-]{0,47}$/;
export const MAX_PANES = 12;

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
});

const number = (low, high) => ({
  read: (text, fallback) => {
    const value = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? clamp(value, low, high) : fallback;
  },
  write: String,
});
const oneOf = (values) => ({
  read: (text, fallback) => (values.includes(text) ? text : fallback),
  write: String,
});
const id = { read: (text, fallback) => (ID.test(text) ? text : fallback), write: String };
const flag = { read: (text) => text === "1", write: (value) => (value ? "1" : "0") };
const ids = {
  read: (text, fallback) => {
    const list = [...new Set(text.split(",").filter((one) => ID.test(one)))].slice(0, MAX_PANES);
    return list.length ? list : fallback;
  },
  write: (list) => list.join(","),
};

const FIELDS = {
  image: id,
  bpp: number(0.001, 8),
  anchor: number(0, 1),
  mode: oneOf(MODES),
  cx: number(0, 1),
  cy: number(0, 1),
  scale: number(MIN_SCALE, MAX_SCALE),
  panes: ids,
  pick: id,
  a: id,
  b: id,
  split: number(0, 1),
  against: id,
  gain: number(1, 64),
  signed: flag,
  smooth: flag,
};

/** `#image=…&bpp=…`: only what differs from the start, so that links stay short. */
export function toHash(state) {
  const parts = [];
  for (const [name, field] of Object.entries(FIELDS)) {
    const text = field.write(state[name]);
    if (text !== field.write(START[name])) {
      parts.push(`${name}=${encodeURIComponent(text).replaceAll("%2C", ",")}`);
    }
  }
  return `#${parts.join("&")}`;
}

/** The state that an address asks for; parts that make no sense are left at their start. */
export function fromHash(hash) {
  const state = { ...START };
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  for (const [name, field] of Object.entries(FIELDS)) {
    const text = given.get(name);
    if (text !== null) state[name] = field.read(text, START[name]);
  }
  return state;
}

/** Panes after the anchor moved: strictly between its ends, one pane shows the blend. */
export function withBlend(panes, anchor) {
  const isBlend = (pane) => /^mode-[01]?\.?\d/.test(pane);
  const blend = anchor > 0 && anchor < 1 ? `mode-${anchor}` : "";
  const at = panes.findIndex(isBlend);
  const rest = panes.filter((pane) => !isBlend(pane));
  if (!blend) return rest;
  const last = Math.max(rest.indexOf("mode-f"), rest.indexOf("mode-p"));
  rest.splice(at >= 0 ? at : last + 1 || rest.length, 0, blend);
  return rest.slice(0, MAX_PANES);
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
