/** What is true of the pixels on the screen at a scale. Pure. */

/** @typedef {{text: string, title: string, exact: boolean}} Exactness */

const APPROXIMATE = "This browser does not tell how many screen pixels a pane has";

/** Where maps are made of fewer pixels than are in view. @type {Exactness} */
export const REDUCED = Object.freeze({
  text: "maps of a smaller copy",
  title: "Too much is in view for a map of every pixel; zoom in, or look at fewer panes",
  exact: false,
});

/** `counted` is false where the browser does not tell the size of a frame in its own pixels.
 * @param {number} scale @param {boolean} smooth @param {boolean} counted @returns {Exactness} */
export function exactness(scale, smooth, counted) {
  const said = (/** @type {string} */ text, /** @type {string} */ title, exact = false) => ({ text, title, exact });
  if (!counted) return said("pixels approximate in this browser", APPROXIMATE);
  if (scale < 1) return said("scaled down", "Below 100 % each screen pixel is a mean of several of the picture's");
  if (Number.isInteger(scale) && (scale === 1 || !smooth)) {
    return said("exact pixels ✓", `Each pixel of the picture is ${scale} × ${scale} of the screen, in its own colour`, true);
  }
  if (smooth) return said("smoothed", "Colours between the pixels are interpolated; N shows them as squares");
  return said("exact colours, uneven squares", "Nearest neighbour: at this scale some pixels are drawn wider than others");
}
