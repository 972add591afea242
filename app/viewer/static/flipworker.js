/** The worker that makes FLIP maps away from the page's own thread: of one pair of pictures at a time. */

import { coloured, cut, flip, meanOf, seen } from "./flip.js";

/** What was taken from the last reference: all panes of a view have the same one. */
let kept = { key: "", of: /** @type {import("./flip.js").Seen | null} */ (null) };

addEventListener("message", ({ data }) => {
  try {
    const { bitmap, mean } = mapOf(/** @type {MapTask} */ (data));
    postMessage({ bitmap, mean }, { transfer: [bitmap] });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});

/** @param {MapTask} task */
function mapOf({ reference, key, picture, size, box, ppd }) {
  const { width, height } = size;
  if (kept.key !== key) kept = { key, of: seen(pixelsOf(reference, size), width, height, ppd) };
  else reference.close();
  const other = seen(pixelsOf(picture, size), width, height, ppd);
  const map = cut(flip(/** @type {import("./flip.js").Seen} */ (kept.of), other), width, box);
  const canvas = new OffscreenCanvas(box.width, box.height);
  canvas.getContext("2d")?.putImageData(new ImageData(coloured(map), box.width, box.height), 0, 0);
  return { bitmap: canvas.transferToImageBitmap(), mean: meanOf(map) };
}

/** The pixels of a part, or of a smaller copy: making that would hold up the page's own thread.
 * @param {ImageBitmap} bitmap @param {Size} size */
function pixelsOf(bitmap, { width, height }) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "medium";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}
