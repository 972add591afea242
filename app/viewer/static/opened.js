/** Panes of pictures that were decoded elsewhere, and files as visitors bring them. Pure. */

import { kindOf } from "../../shared/kinds.js";

export const OPENED = "Opened picture";
const ORIGINALS = ["original", "orig", "source", "reference", "ref", "gt", "uncompressed"];
const UNITS = /** @type {Record<string, number>} */ ({ "": 1, b: 1, kb: 1e3, mb: 1e6, kib: 1024, mib: 1048576 });

/** Whether a pane shows a picture that was made elsewhere. @param {string} pane */
export const isOpened = (pane) => /^opened-[0-9a-f]{32}$/.test(pane);

/** The key of such a pane on the server. @param {string} pane */
export const keyOf = (pane) => pane.replace(/^opened-/, "");

/** Whether a pane is one that the server codes. @param {string} pane */
export const isCoded = (pane) => pane !== "original" && !isOpened(pane);

/** What comes back in place of panes whose pictures the server has lost: the same, or what is called so.
 * @param {Pick<PaneRecord, "id" | "label" | "state">[]} records @param {Facts[]} more */
export function restored(records, more) {
  const lost = new Map(records.filter(({ id, state }) => isOpened(id) && state === "failed").map((one) => [one.id, one]));
  const back = /** @type {Map<string, Facts>} */ (new Map());
  for (const one of more) {
    const there = records.some(({ id }) => id === one.id);
    const same = there ? lost.get(one.id) : [...lost.values()].find(({ label }) => label === one.label);
    if (same && lost.delete(same.id)) back.set(same.id, one);
  }
  return back;
}

/** @param {Pick<Limits, "coded">} limits */
export const tooManyCoded = ({ coded }) => `${coded} coded panes are the most; remove one first`;

/** Panes with one more that is coded; where there are too many, the first of those goes.
 * @param {string[]} panes @param {string} id @param {Pick<Limits, "panes" | "coded">} limits */
export function withCoded(panes, id, limits) {
  if (panes.includes(id)) return panes;
  const coded = panes.filter(isCoded);
  const full = coded.length >= limits.coded || panes.length >= limits.panes;
  const out = full ? (coded[0] ?? panes.at(-1)) : "";
  return [...panes.filter((one) => one !== out), id];
}

/** A size as people write it, 12345 or 12.3 kB, in bytes; NaN for what is none, null for nothing.
 * @param {string} text */
export function bytesFrom(text) {
  const plain = text.replace(/[\s\u202f\u00a0]/g, "").toLowerCase();
  if (!plain) return null;
  const [, digits = "", unit = ""] = /^([\d.,]+)(b|kb|mb|kib|mib|bytes?)?$/.exec(plain) ?? [];
  const factor = UNITS[unit.replace(/^bytes?$/, "b")];
  // A comma parts thousands of bytes, and decimals of kilobytes.
  const value = factor === 1 ? (/^\d{1,3}(,\d{3})+$|^\d+$/.test(digits) ? Number(digits.replaceAll(",", "")) : NaN)
    : Number(digits.replace(",", ".")) * factor;
  return Number.isFinite(value) && digits && value >= 1 ? Math.round(value) : NaN;
}

const stemOf = (/** @type {string} */ name) => name.replace(/\.[^.]*$/, "");

/** The names of files without their endings, where those do not tell one from another. @param {Pick<File, "name">[]} files */
export function namesOf(files) {
  const stems = files.map(({ name }) => stemOf(name));
  return stems.map((stem, at) => (stems.indexOf(stem) === stems.lastIndexOf(stem) ? stem : files[at].name));
}

/** Whether files say something of each other: a zip, a table of sizes, a bitstream beside its picture. Two
 * pictures of one name are two pictures. @param {Pick<File, "name" | "type">[]} files */
export function belongTogether(files) {
  const kinds = files.map(kindOf);
  if (kinds.includes("archive")) return true;
  if (files.length < 2 || !kinds.some((kind) => kind === "picture" || kind === "other")) return false;
  if (files.some(({ name }) => name.toLowerCase() === "sizes.csv")) return true;
  const stemsOf = (/** @type {string[]} */ ...some) => files.filter((_, i) => some.includes(kinds[i])).map(({ name }) => stemOf(name).toLowerCase());
  const pictures = stemsOf("picture");
  return stemsOf("other", "file").some((stem) => pictures.includes(stem));
}

/** Which of some pictures the others were probably made of: it says so, or begins the names of all; or the first.
 * @param {string[]} names without endings */
export function likelyOriginal(names) {
  const said = names.find((name) => ORIGINALS.includes(name.toLowerCase()));
  const start = names.reduce((best, name) => (name.length < best.length ? name : best));
  const begins = names.every((name) => name === start || (name.startsWith(start) && !/^[a-z0-9]/i.test(name.slice(start.length))));
  return said ?? (begins ? start : names[0]);
}
