/** What a browser keeps for a page: in the tab, or for good. Where that is forbidden or full, it just forgets. */

/** The tab's or the browser's storage; some browsers throw where it is switched off.
 * @param {"sessionStorage" | "localStorage"} kind @returns {Storage | null} */
export function storageOf(kind) {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

/** What was kept at a place; empty where nothing was. @param {Keeps | null} storage @param {string} place */
export function recall(storage, place) {
  try {
    return storage?.getItem(place) ?? "";
  } catch {
    return "";
  }
}

/** @param {Keeps | null} storage @param {string} place @param {string} text */
export function remember(storage, place, text) {
  try {
    storage?.setItem(place, text);
  } catch {
    // forgotten by the next visit, and no more than that
  }
}
