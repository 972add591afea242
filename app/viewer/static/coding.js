/** Actions that change what is coded: rate, anchor, picture, and what the plot asks for. */

import { clamp, further } from "../../shared/arithmetic.js";
import { isOf, movedBlends, paneAt, paneOf, pushedOut, withBlends } from "./blends.js";
import { anchorText, picturesOf } from "./controls.js";
import { tooManyCoded, withCoded } from "./opened.js";
import { atRate, ownRateOf } from "./rated.js";
import { STEPS, positionOf, rateAt } from "./rates.js";

const KEY_STEP = STEPS / 20;

/** @param {Viewer} viewer @returns {Actions} */
export function codingActions(viewer) {
  const { catalogue, choosing, words, questions } = viewer;
  const setRate = (/** @type {number} */ bpp, written = String(bpp)) => {
    const refused = refusal(viewer, bpp, written);
    choosing.rate.end();
    if (refused) words.tell(refused, true);
    if (refused || (bpp === viewer.state.bpp && !viewer.touring)) return viewer.render();
    questions.refresh({ bpp });
  };
  const setAnchor = (/** @type {number} */ wish) => {
    choosing.anchor.end();
    const anchor = Math.round(wish * 100) / 100;
    const { panes: before, pick } = viewer.state;
    const moved = movedBlends(before, catalogue.blends);
    const blend = moved.find((one) => isOf(one, pick)) ?? moved[0];
    const panes = withBlends(before, anchor, catalogue);
    if (anchor === viewer.state.anchor && panes.join() === before.join()) return viewer.render();
    const [out] = pushedOut(before, panes, catalogue.blends);
    if (out) {
      words.tell(tooManyCoded(catalogue.limits), true);
      return viewer.render();
    }
    const own = blend && isOf(blend, pick) ? ownRateOf(pick) : null;
    viewer.set({ anchor, panes, pick: blend ? atRate(paneAt(blend, anchor), own) : pick });
    if (panes.join() !== before.join()) return questions.ask();
    words.tell(`Anchor: ${anchorText(anchor)}`);
  };
  const picture = (/** @type {string} */ id) => {
    const among = viewer.beside.chosen(id);
    if (among) return viewer.beside.look(among.collection, among.image);
    const own = viewer.recents.get(id);
    return own ? openRecent(viewer, own) : viewer.openPicture(id);
  };
  const turn = (/** @type {number} */ way) => {
    const ids = picturesOf(viewer).map(({ id }) => id);
    return picture(further(ids, viewer.state.image, way));
  };
  return {
    setRate,
    setAnchor,
    rate(way) {
      const next = rateAt(clamp(positionOf(choosing.rate.value) + KEY_STEP * way, 0, STEPS));
      choosing.rate.show(next);
      choosing.rate.take(true);
    },
    anchor: () => setAnchor(choosing.anchor.value > 0.5 ? 0 : 1),
    picture,
    previous: () => turn(-1),
    next: () => turn(1),
  };
}

/** Why a rate cannot be; `written` is how it stands in the field. @param {Viewer} viewer @param {number} bpp */
function refusal({ state, catalogue }, bpp, written = "") {
  const [least, most] = catalogue.limits.bpp;
  const must = `between ${least} and ${most} bits per pixel`;
  if (state.file) return "A .mode file has the size that it has; open a photo to choose another";
  if (Number.isNaN(bpp)) return `“${written.slice(0, 20)}” is no number; write a rate ${must}, as 0.05 or 0,05`;
  return bpp >= least && bpp <= most ? "" : `The rate must be ${must}`;
}

/** A picture of the visitor's own, unless the server has forgotten it: then it leaves the menu.
 * @param {Viewer} viewer @param {import("./recents.js").Recent} own */
async function openRecent(viewer, { key, name, file }) {
  const { state, exchange, recents, words } = viewer;
  const there = await exchange.holds(key, file ? "mode" : "png");
  if (viewer.state.image !== state.image) return; // another one was opened meanwhile
  if (!there) {
    recents.drop(key);
    viewer.render();
    return words.tell(`${name || "This picture"} has left the server's memory; open the file again`, true);
  }
  if (file) viewer.questions.trial.start(key, name);
  else viewer.openPicture(key, name);
}

/** A point of the rate-distortion plot: that picture, that codec, at that rate.
 * @param {Viewer} viewer @param {{kind?: string, dataset: string, rate: string, image: string, codec: string, anchor: string, bpp: number}} point */
export function openPoint(viewer, { kind, dataset, rate, image, codec, anchor, bpp }) {
  if (kind === "theirs") return void viewer.beside.point([dataset, codec, rate]);
  const { catalogue, records, state } = viewer;
  const isIt = (/** @type {PaneRecord} */ one) => one.codec === codec && (one.anchor ?? "") === anchor && one.bpp === bpp;
  const shown = image === state.image ? records.list(state.panes).find(isIt) : undefined;
  if (shown) {
    viewer.set({ pick: shown.id });
    return viewer.root.scrollIntoView({ block: "start" });
  }
  const id = paneOf(codec, anchor, catalogue);
  const known = catalogue.samples.some((one) => one.id === image);
  if (known && image !== viewer.state.image) viewer.openPicture(image);
  const { panes } = viewer.state;
  const more = withCoded(panes, id, catalogue.limits);
  viewer.questions.refresh({ panes: more, bpp: Number(bpp.toPrecision(3)), pick: id });
  viewer.root.scrollIntoView({ block: "start" });
}
