/** Panes of codecs whose files decode anywhere between fidelity and perception. Pure. */

import { isCoded, isOpened } from "./opened.js";
import { atRate, baseOf, ownRateOf } from "./rated.js";

/** Where a pane lies between the ends of a codec, as text; undefined if it is no blend of this codec's. */
export function placeOf(/** @type {Blend} */ { prefix }, /** @type {string} */ pane) {
  const base = baseOf(pane);
  const place = base.slice(prefix.length);
  return base.startsWith(prefix) && /^(0|1|0?\.\d+|1\.0+)$/.test(place) ? place : undefined;
}

/** The pane that shows a codec at an anchor: a number, or the name of an end.
 * @param {Blend} blend @param {number | string} anchor */
export function paneAt({ fidelity, perception, prefix }, anchor) {
  if (anchor === 0 || anchor === "fidelity") return fidelity;
  return anchor === 1 || anchor === "perception" ? perception : `${prefix}${anchor}`;
}

/** Whether a pane shows this codec, at whatever anchor. @param {Blend} blend @param {string} pane */
export const isOf = (blend, pane) =>
  [blend.fidelity, blend.perception].includes(baseOf(pane)) || placeOf(blend, pane) !== undefined;

/** Whether there can be such a pane. @param {string} pane @param {Known} catalogue */
export const isKnown = (pane, catalogue) => !whyUnknown(pane, catalogue);

/** Why there can be no such pane, in words; nothing where it is a choice, a blend, either with weights that
 * may be elsewhere, or a picture that was made elsewhere; what is coded also at a rate of its own.
 * @typedef {Pick<Catalogue, "choices" | "blends" | "limits">} Known
 * @param {string} pane @param {Known} catalogue */
export function whyUnknown(pane, { choices, blends, limits: { bpp: [least, most] } }) {
  const [base] = pane.split("@");
  const own = (/** @type {string} */ id) =>
    choices.some((one) => one.id === id) || blends.some((one) => placeOf(one, id) !== undefined);
  const there = isOpened(base) || own(base) || choices.some(({ codec }) => codec && own(withoutProfile(base, codec)));
  if (!there) return "there is no such pane here";
  if (pane === base) return "";
  if (!isCoded(base)) return "what is not coded has no rate";
  const rate = ownRateOf(pane) ?? NaN;
  return rate >= least && rate <= most ? "" : `a rate is a number between ${least} and ${most}, as 0.05`;
}

/** `a.public-f` without its weights, `a-f`; undefined names nothing. @param {string} pane @param {string} codec */
function withoutProfile(pane, codec) {
  const found = pane.startsWith(`${codec}.`) && /^[a-z]\w*(-.*)?$/.exec(pane.slice(codec.length + 1));
  return found ? codec + (found[1] ?? "") : "";
}

/** Codecs between whose ends the anchor moves: those that are shown, or else the first there is. */
export function movedBlends(/** @type {string[]} */ panes, /** @type {Blend[]} */ blends) {
  const shown = blends.filter((blend) => panes.some((pane) => isOf(blend, pane)));
  return shown.length ? shown : blends.slice(0, 1);
}

/** Panes after the anchor moved: strictly between its ends, one pane of each codec shows the blend, at
 * each size that the codec stands at.
 * @param {string[]} panes @param {number} anchor @param {Catalogue} catalogue */
export function withBlends(panes, anchor, { blends, limits }) {
  let all = panes;
  for (const blend of movedBlends(panes, blends)) {
    const rates = new Set(all.filter((pane) => isOf(blend, pane)).map(ownRateOf));
    for (const rate of rates.size ? rates : [null]) all = withBlend(all, blend, anchor, rate);
  }
  const coded = all.filter(isCoded).slice(0, limits.coded);
  return all.filter((pane) => !isCoded(pane) || coded.includes(pane)).slice(0, limits.panes);
}

/** @param {string[]} panes @param {Blend} blend @param {number} anchor @param {number | null} rate its own, or the common one */
function withBlend(panes, blend, anchor, rate) {
  const isHere = (/** @type {string} */ pane) => placeOf(blend, pane) !== undefined && ownRateOf(pane) === rate;
  const at = panes.findIndex(isHere);
  const rest = panes.filter((pane) => !isHere(pane));
  const ends = [blend.fidelity, blend.perception].map((end) => rest.indexOf(atRate(end, rate)));
  if (anchor > 0 && anchor < 1) {
    rest.splice(at >= 0 ? at : Math.max(...ends) + 1 || rest.length, 0, atRate(paneAt(blend, anchor), rate));
  }
  return rest;
}

/** Panes that would have to go for others, without having been asked for.
 * @param {string[]} before @param {string[]} after @param {Blend[]} blends */
export const pushedOut = (before, after, blends) =>
  before.filter((pane) => !after.includes(pane) && blends.every((blend) => placeOf(blend, pane) === undefined));

/** What the server chose, and the blends that an address asks for beside it.
 * @param {string[]} ids @param {number} anchor @param {Catalogue} catalogue */
export function chosenBeside(ids, anchor, catalogue) {
  const blends = catalogue.blends.filter(({ fidelity }) => ids.includes(fidelity));
  const more = withBlends(ids, anchor, { ...catalogue, blends });
  return more.length > ids.length ? more : ids;
}

/** What a pane is called that no choice names. @param {string} id @param {Blend[]} blends */
export function blendLabel(id, blends) {
  const blend = blends.find((one) => placeOf(one, id) !== undefined);
  return blend ? `${blend.label} ${placeOf(blend, id)}` : id;
}

/** The pane that shows a codec at an anchor, which is "" for a codec that decodes in one way only.
 * @param {string} codec @param {string} anchor @param {Catalogue} catalogue */
export function paneOf(codec, anchor, { blends, choices }) {
  const known = choices.find((one) => one.codec === codec && one.anchor === anchor);
  const blend = blends.find((one) => one.codec === codec);
  return known?.id ?? (blend && anchor ? paneAt(blend, anchor) : codec);
}
