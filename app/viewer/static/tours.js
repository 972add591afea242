/** Tours through several rates, none of which is the visitor's choice: points of curves come of them. */

import { tell } from "../../shared/messages.js";
import { movedBlends, paneAt } from "./blends.js";
import { PRESETS } from "./rates.js";

const ANCHORS = [0, 0.25, 0.5, 0.75, 1];

/** Panes at five anchors of each codec whose files decode anywhere between two; decoding them once more is
 * cheap where the file is there. @param {string[]} panes @param {Catalogue} catalogue */
export const anchorPanes = (panes, { blends, limits }) =>
  movedBlends(panes, blends)
    .flatMap((blend) => ANCHORS.map((anchor) => paneAt(blend, anchor)))
    .slice(0, limits.coded);

/** Code the picture at every preset, one after the other, and come back to its rate; ends on any change.
 * With `anchors` it is not the panes on the screen, but files that decode at anchors between two ends.
 * @param {Viewer} viewer @param {{anchors?: boolean}} [which] */
export async function measureCurve(viewer, { anchors = false } = {}) {
  const { state, words, questions, catalogue } = viewer;
  if (state.file) return words.tell("A file brings no original to measure against", true);
  if (viewer.large.asks) return words.tell("Choose first how much of this picture to code, above the panes", true);
  const rates = [...PRESETS.map(({ bpp }) => bpp).filter((bpp) => bpp !== state.bpp), state.bpp];
  const asked = anchors ? anchorPanes(state.panes, catalogue) : null;
  let done = 0;
  const say = (/** @type {boolean} */ running) => {
    viewer.touring = running;
    tell("mode:measuring", { done, of: rates.length, running, anchors });
  };
  for (const bpp of rates) {
    say(true);
    if (asked) questions.ask("", bpp, asked);
    else questions.refresh({}, "", bpp);
    if (!(await questions.answer())) break;
    done += 1;
  }
  say(false);
  // What stands on the screen had its turn with other rates, or none: all of it comes back at its own.
  if (asked && questions.others === asked) questions.refresh();
}
