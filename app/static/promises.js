/** What the page promises to its readers, its tests and the plot below. */

/** The `data-state` of the viewer, as JSON. */
export function promisedState(state, records) {
  const { image, bpp, anchor, mode, cx, cy, scale } = state;
  const panes = records.list(state.panes).map(({ id, label, bpp: real, bytes }) => ({
    id,
    label,
    bpp: real ?? null,
    bytes: bytes ?? null,
  }));
  return JSON.stringify({ image, bpp, anchor, mode, cx, cy, scale, panes });
}

/** `mode:result`: all of a picture's numbers are there. */
export function announceResult(image, panes) {
  const rows = panes.map(({ id, label, codec, anchor, bpp, bytes, metrics }) => ({
    id,
    label,
    codec,
    anchor,
    bpp,
    bytes,
    ...metrics,
  }));
  document.dispatchEvent(new CustomEvent("mode:result", { detail: { image, rows } }));
}
