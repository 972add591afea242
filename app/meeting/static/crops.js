/** The list of crops that is walked through: kept whole, as a file, and in a link. Pure. */

import { START } from "../../viewer/static/state.js";

export const MOST = 40;
export const LONGEST = { name: 60, note: 160, view: 1600 };
export const LONGEST_LINK = 8000; // chats and mail programs cut what is much longer
export const MOST_BYTES = 200_000;
const VERSION = 1;
const MARK = "mode-crops";
/** What everybody keeps as they have it, whatever they are shown. */
const OWN = /** @type {const} */ (["pins", "minimap", "captions"]);

/** @typedef {{crops: Crop[], words: string}} Read the words say what is wrong with all, or with some */

/** A state as the text of a link, without what is everybody's own.
 * @param {Readonly<Linked>} state @param {Share<Linked>} share */
export function viewOf(state, share) {
  const own = Object.fromEntries(OWN.map((name) => [name, START[name]]));
  return share.into("#", { ...state, ...own }).slice(1);
}

/** The link that shows a view to somebody who keeps their own things.
 * @param {string} view @param {Readonly<Linked>} mine @param {Share<Linked>} share */
export function hashOf(view, mine, share) {
  const own = Object.fromEntries(OWN.map((name) => [name, mine[name]]));
  return share.into("#", { ...share.read(view), ...own });
}

const line = (/** @type {unknown} */ text, /** @type {number} */ most) =>
  typeof text === "string" ? [...text.replace(/[\p{C}\p{Z}]+/gu, " ").trim()].slice(0, most).join("").trim() : "";

/** A crop as it may be kept; null for what is none. @param {any} given @param {Share<Linked>} share
 * @returns {Crop | null} */
export function cropOf(given, share) {
  if (typeof given?.view !== "string" || given.view.length > LONGEST.view) return null;
  const state = share.read(given.view);
  if (!state.image) return null;
  return { name: line(given.name, LONGEST.name), note: line(given.note, LONGEST.note), view: viewOf(state, share) };
}

/** The list with more crops at its end, as many as there is room for.
 * @param {readonly Crop[]} crops @param {readonly Crop[]} more @returns {Read} */
export function added(crops, more) {
  const all = [...crops, ...more].slice(0, MOST);
  const left = crops.length + more.length - all.length;
  return { crops: all, words: left ? `${MOST} crops are the most; ${left} left out` : "" };
}

/** Crops that the list has not got yet. @param {readonly Crop[]} crops @param {readonly Crop[]} more */
export function missing(crops, more) {
  const there = new Set(crops.map(({ view }) => view));
  return more.filter(({ view }) => !there.has(view));
}

/** @param {readonly Crop[]} crops @param {number} from @param {number} to */
export function moved(crops, from, to) {
  const all = [...crops];
  const [one] = all.splice(from, 1);
  if (one) all.splice(to, 0, one);
  return all;
}

/** Where the crop that is shown stands after one has moved. @param {number} at @param {number} from @param {number} to */
export function placeAfter(at, from, to) {
  if (at === from) return to;
  return at + (from < at && to >= at ? -1 : 0) + (from > at && to <= at ? 1 : 0);
}

/** @param {readonly Crop[]} crops @param {number} at @param {Partial<Crop>} change @param {Share<Linked>} share */
export const changedAt = (crops, at, change, share) =>
  crops.map((one, i) => (i === at ? (cropOf({ ...one, ...change }, share) ?? one) : one));

/** A file that people can read, too. @param {readonly Crop[]} crops */
export const toFile = (crops) => `${JSON.stringify({ [MARK]: VERSION, crops }, null, 1)}\n`;

/** @param {string} text @param {Share<Linked>} share @returns {Read} */
export function fromFile(text, share) {
  const no = (/** @type {string} */ words) => ({ crops: [], words });
  if (text.length > MOST_BYTES) return no("This file is too long for a list of crops");
  const found = parsed(text);
  const version = found?.[MARK];
  if (!Number.isInteger(version) || !Array.isArray(found.crops)) return no("This file is no list of crops; “Save file” writes one");
  if (version > VERSION) return no("This list was saved by a newer version of this page");
  return listOf(found.crops, share);
}

/** What may be a list, as far as it makes sense. @param {unknown[]} given @param {Share<Linked>} share @returns {Read} */
function listOf(given, share) {
  const whole = given.slice(0, 4 * MOST).map((one) => cropOf(one, share)).filter((one) => one !== null);
  const { crops } = added([], whole);
  const left = given.length - crops.length;
  if (!crops.length) return { crops, words: "There is no crop in this list" };
  return { crops, words: left ? `${left} of ${given.length} crops left out: they make no sense, or are too many` : "" };
}

/** The list as a part of a link; or words where that would be too long. @param {readonly Crop[]} crops */
export async function toLink(crops) {
  const text = JSON.stringify([VERSION, ...crops.map(({ name, note, view }) => [name, note, view])]);
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  const packed = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  if (packed.length <= LONGEST_LINK) return { packed, words: "" };
  const size = packed.length.toLocaleString("en");
  return { packed: "", words: `The link would have ${size} characters, and ${LONGEST_LINK} are the most; save the list as a file, or shorten its notes` };
}

/** @param {string} packed @param {Share<Linked>} share @returns {Promise<Read>} */
export async function fromLink(packed, share) {
  const no = { crops: [], words: "The list of crops in this link is damaged, or was cut off" };
  if (packed.length > LONGEST_LINK || !/^[\w-]+$/.test(packed)) return no;
  try {
    const bytes = Uint8Array.from(atob(packed.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    const text = new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes));
    const [version, ...rows] = parsed(text) ?? [];
    if (version !== VERSION) return no;
    return listOf(rows.map((/** @type {any} */ row) => ({ name: row?.[0], note: row?.[1], view: row?.[2] })), share);
  } catch {
    return no;
  }
}

/** Bytes through a stream that packs or unpacks, which may make many of a few: they have a limit.
 * @param {CompressionStream | DecompressionStream} stream @param {Uint8Array<ArrayBuffer>} bytes */
async function through(stream, bytes) {
  const parts = [];
  let size = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > MOST_BYTES) {
      await reader.cancel();
      throw new Error("too long");
    }
    parts.push(next.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
