/** The address bar: every part of the page keeps a share of it. Pure; what it says is checked. */

import { clamp } from "./geometry.js";

const ID = /^[a-z0-9][a-z0-9./-]{0,47}$/;
const SPACE = "~";

export const number = (low, high) => ({
  read: (text, fallback) => {
    const value = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? clamp(value, low, high) : fallback;
  },
  write: String,
});
export const oneOf = (values) => ({
  read: (text, fallback) => (values.includes(text) ? text : fallback),
  write: String,
});
export const id = { read: (text, fallback) => (ID.test(text) ? text : fallback), write: String };
export const flag = { read: (text) => text === "1", write: (value) => (value ? "1" : "0") };
/** Any words, for those who check them themselves. */
export const words = (most) => ({ read: (text) => text.slice(0, most), write: String });
export const ids = (most) => ({
  read: (text, fallback) => {
    const list = [...new Set(text.split(",").filter((one) => ID.test(one)))].slice(0, most);
    return list.length ? list : fallback;
  },
  write: (list) => list.filter((one) => ID.test(one)).join(","),
});
/** Some rows of numbers, one pair of limits per column; rows that are not that are left out. */
export const rows = (limits, most) => ({
  read: (text) => {
    const all = text.split(",").map((row) => row.split(SPACE));
    const fits = (row) => row.length === limits.length && row.every((one) => /^-?\d/.test(one));
    const within = (row) => row.map((one, i) => number(...limits[i]).read(one, NaN));
    const good = all.filter(fits).map(within).filter((row) => row.every(Number.isFinite));
    return good.slice(0, most);
  },
  write: (list) => list.map((row) => row.join(SPACE)).join(","),
});

/** One part's share of the address: only what differs from its start, so that links stay short. */
export class Share {
  /** @param start the state without an address; `prefix` keeps the names of two parts apart. */
  constructor(fields, start, prefix = "") {
    this.fields = Object.entries(fields).map(([name, field]) => [name, prefix + name, field]);
    this.start = start;
  }

  /** The state that an address asks for; parts that make no sense are left at their start. */
  read(hash) {
    const state = { ...this.start };
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, key, field] of this.fields) {
      const text = given.get(key);
      if (text !== null) state[name] = field.read(text, this.start[name]);
    }
    return state;
  }

  /** The address with this share as the state has it; the shares of others stay as they are. */
  into(hash, state) {
    const keys = new Set(this.fields.map(([, key]) => key));
    const others = partsOf(hash).filter((part) => !keys.has(part.split("=")[0]));
    const own = this.fields
      .map(([name, key, field]) => [key, field.write(state[name]), field.write(this.start[name])])
      .filter(([, text, start]) => text !== start)
      .map(([key, text]) => `${key}=${encodeURIComponent(text).replace(/%2[CF]/g, decodeURIComponent)}`);
    // The order is always the same: two parts that write in turns must not undo each other.
    return `#${[...own, ...others].sort().join("&")}`;
  }

  /** Whether an address already says what the state is. */
  says(hash, state) {
    return this.into(hash, state) === `#${partsOf(hash).sort().join("&")}`;
  }
}

const partsOf = (hash) => hash.replace(/^#/, "").split("&").filter((part) => part.includes("="));
