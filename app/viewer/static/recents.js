/** A visitor's last pictures and files: named in the menu for as long as the tab and the server keep them. */

import { recall, remember } from "../../shared/storage.js";

/** @typedef {{key: string, name: string, file: boolean}} Recent `file` is a .mode file, which has no original */

export const KEPT = 8;
const PLACE = "mode-pictures";
const LONGEST = 80;

export class Recents {
  /** @param {Keeps | null} storage the tab's own; null where it is forbidden */
  constructor(storage) {
    this.storage = storage;
    this.list = read(storage);
  }

  get(/** @type {string} */ key) {
    return this.list.find((one) => one.key === key);
  }

  /** The newest comes first; what is known by this name keeps its place. @param {Recent} one */
  add({ key, name, file }) {
    const known = this.get(key);
    if (!key || (known && (!name || known.name === name))) return;
    const others = this.list.filter((one) => one !== known);
    this.keep([{ key, name: name.slice(0, LONGEST), file }, ...others].slice(0, KEPT));
  }

  drop(/** @type {string} */ key) {
    this.keep(this.list.filter((one) => one.key !== key));
  }

  keep(/** @type {Recent[]} */ list) {
    this.list = list;
    remember(this.storage, PLACE, JSON.stringify(list));
  }
}

/** What an earlier page of this tab has stored, as far as it makes sense.
 * @param {Keeps | null} storage @returns {Recent[]} */
function read(storage) {
  const isText = (/** @type {unknown} */ one) => typeof one === "string";
  try {
    const stored = JSON.parse(recall(storage, PLACE) || "[]");
    const whole = stored.filter((/** @type {any} */ one) => isText(one?.key) && isText(one?.name));
    return whole.slice(0, KEPT).map((/** @type {any} */ { key, name, file }) => ({ key, name, file: file === true }));
  } catch {
    return [];
  }
}
