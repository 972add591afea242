/** What the page promises to its readers, its tests and the plot below. */

import { tell } from "../../shared/messages.js";

/** The `data-state` of the viewer, as JSON. @param {State} state @param {PaneRecord[]} records */
export function promisedState({ image, bpp, anchor, mode, cx, cy, scale }, records) {
  const panes = records.map(({ id, label, bpp: real, bytes }) => ({ id, label, bpp: real, bytes }));
  return JSON.stringify({ image, bpp, anchor, mode, cx, cy, scale, panes });
}

/** `mode:result`: all numbers of what was coded of a picture are there. @param {string} image @param {PaneRecord[]} panes */
export function announceResult(image, panes) {
  const coded = panes.filter(({ opened }) => !opened);
  const rows = coded.map(({ id, label, codec, anchor, bpp, bytes, metrics }) =>
    ({ id, label, codec, anchor, bpp, bytes, ...metrics }));
  tell("mode:result", { image, rows });
}
