/** The address bar: every part of the page keeps a share of it. Pure; what it says is checked. */

import { clamp, rounded } from "./arithmetic.js";

const ID = /^[a-z0-9][a-z0-9./-]{0,47}(@[\d.]{1,12})?$/; // what follows @ is the rate of a pane
const SPACE = "~";

/** A number, rounded on both ways: older links hold all its digits. @param {number} low @param {number} high
 * @returns {Field<number>} */
export const number = (low, high) => ({
  read: (text, fallback) => {
    const value = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? clamp(rounded(value), low, high) : fallback;
  },
  write: (value) => String(rounded(value)),
});
/** @param {string[]} values @returns {Field<string>} */
export const oneOf = (values) => ({
  read: (text, fallback) => (values.includes(text) ? text : fallback),
  write: String,
});
/** @type {Field<string>} */
export const id = { read: (text, fallback) => (ID.test(text) ? text : fallback), write: String };
/** @type {Field<boolean>} */
export const flag = { read: (text) => text === "1", write: (value) => (value ? "1" : "0") };
/** Any words, for those who check them themselves. @param {number} most @returns {Field<string>} */
export const words = (most) => ({ read: (text) => text.slice(0, most), write: String });
/** @param {number} most @returns {Field<string[]>} */
export const ids = (most) => ({
  read: (text, fallback) => {
    const list = [...new Set(text.split(",").filter((one) => ID.test(one)))].slice(0, most);
    return list.length ? list : fallback;
  },
  write: (list) => list.filter((one) => ID.test(one)).join(","),
});
/** Some rows of numbers, one pair of limits per column; rows that are not that are left out.
 * @param {[number, number][]} limits @param {number} most @returns {Field<number[][]>} */
export const rows = (limits, most) => ({
  read: (text) =>
    text
      .split(",")
      .map((row) => row.split(SPACE))
      .filter((row) => row.length === limits.length && row.every((one) => /^-?\d/.test(one)))
      .map((row) => row.map((one, i) => number(...limits[i]).read(one, NaN)))
      .filter((row) => row.every(Number.isFinite))
      .slice(0, most),
  write: (list) => list.map((row) => row.map((one) => rounded(one)).join(SPACE)).join(","),
});

/** One part's share of the address: only what differs from its start, so that links stay short.
 * @template {object} S the state that the address holds */
export class Share {
  /** `start` is the state without an address; `prefix` keeps the names of two parts apart.
   * @param {{[K in keyof S]: Field<S[K]>}} fields @param {Readonly<S>} start */
  constructor(fields, start, prefix = "") {
    this.fields = /** @type {[keyof S & string, Field<any>][]} */ (Object.entries(fields));
    this.start = start;
    this.prefix = prefix;
  }

  /** The state that an address asks for; parts that make no sense are left at their start. @returns {S} */
  read(/** @type {string} */ hash) {
    const state = /** @type {S} */ ({ ...this.start });
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, { read, was = name }] of this.fields) {
      const text = given.get(this.prefix + name) ?? given.get(this.prefix + was);
      if (text !== null) state[name] = read(text, this.start[name]);
    }
    return state;
  }

  /** The address with this share as the state has it; the shares of others stay as they are. */
  into(/** @type {string} */ hash, /** @type {Readonly<S>} */ state) {
    const keys = new Set(this.fields.flatMap(([name, { was = name }]) => [this.prefix + name, this.prefix + was]));
    const others = partsOf(hash).filter((part) => !keys.has(part.split("=")[0]));
    const own = this.fields
      .map(([name, { write }]) => ({ name, text: write(state[name]), start: write(this.start[name]) }))
      .filter(({ text, start }) => text !== start)
      .map(({ name, text }) => `${this.prefix}${name}=${encoded(text)}`);
    // The order is always the same: two parts that write in turns must not undo each other.
    return `#${[...own, ...others].sort().join("&")}`;
  }

  /** Whether an address already says what the state is. @param {string} hash @param {Readonly<S>} state */
  says(hash, state) {
    return this.into(hash, state) === `#${partsOf(hash).sort().join("&")}`;
  }
}

/** @param {string} text */
const encoded = (text) => encodeURIComponent(text).replace(/%(2C|2F|40)/g, decodeURIComponent);

/** @param {string} hash */
const partsOf = (hash) => hash.replace(/^#/, "").split("&").filter((part) => part.includes("="));
