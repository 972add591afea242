/** What the page promises to its readers, its tests and the plot below. */

import { tell } from "../../shared/messages.js";

/** The `data-state` of the viewer, as JSON. @param {State} state @param {PaneRecord[]} records */
export function promisedState({ image, bpp, anchor, mode, cx, cy, scale }, records) {
  const panes = records.map(({ id, label, bpp: real, bytes }) => ({ id, label, bpp: real, bytes }));
  return JSON.stringify({ image, bpp, anchor, mode, cx, cy, scale, panes });
}

/** `mode:result`: all numbers of what was made of a picture, here or elsewhere, are there; rates are known. @param {string} image @param {PaneRecord[]} panes */
export function announceResult(image, panes) {
  const sized = panes.filter(({ bpp }) => bpp !== null);
  const rows = sized.map(({ id, label, codec, anchor, opened, bpp, bytes, metrics }) =>
    ({ id, label, codec, anchor, opened, bpp, bytes, ...metrics }));
  tell("mode:result", { image, rows });
}
