/** The bars above and below the pictures: what they show, and which action they ask for. */

import { fillSelect, find, make, makeButton, refill } from "../../shared/dom.js";
import { movedBlends } from "./blends.js";
import { REDUCED, exactness } from "./exactness.js";
import { listenToNumber, listenToSlider, listenToSteps, showValue } from "./fields.js";
import { MAPS, RAMP, isReduced } from "./maps.js";
import { PRESETS, STEPS, bytesText, positionOf, rateAt, rateFrom } from "./rates.js";

/** The choice among panes that opens files. */
export const OPEN = "open-files";
const UNNAMED = "Your picture";
const GAINS = [1, 2, 4, 8, 16, 32].map((gain) => ({ id: String(gain), label: `×${gain}` }));

/** Connect the bars to the actions that their markup names: of buttons, and of fields by the event. */
export function listenToControls(/** @type {Viewer} */ { root, actions, catalogue, choosing }) {
  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    if (!button || !root.contains(button)) return;
    const { do: name, mode, scale, bpp, spot, by, kind } = button.dataset;
    if (mode) actions.mode(mode);
    else if (scale) actions.scale(Number(scale));
    else if (bpp) actions.setRate(Number(bpp));
    else if (spot) actions.spot(Number(spot));
    else if (name && actions[name]) actions[name](by === undefined ? kind : Number(by));
  });
  for (const event of ["input", "change"]) {
    root.addEventListener(event, ({ target }) => {
      const { value, dataset } = /** @type {HTMLInputElement} */ (target);
      const name = dataset[event];
      if (name) actions[name](value);
    });
  }
  const field = find(root, ".bpp", HTMLInputElement);
  [field.ariaValueMin, field.ariaValueMax] = catalogue.limits.bpp.map(String);
  listenToNumber(field, (text) => actions.setRate(rateFrom(text), text));
  listenToSteps(field, choosing.rate);
  const slider = find(root, "#rate", HTMLInputElement);
  slider.max = String(STEPS);
  listenToSlider(slider, choosing.rate, rateAt);
  listenToSlider(find(root, "#anchor", HTMLInputElement), choosing.anchor);
  makePresets(root);
  find(root, ".ramp").style.background = RAMP;
}

function makePresets(/** @type {HTMLElement} */ root) {
  for (const { bpp, name } of PRESETS) {
    const title = name ? `${name}: ${bpp} bpp` : `${bpp} bpp`;
    find(root, ".presets").append(makeButton({ "data-bpp": bpp, title }, `${bpp}`));
    find(root, "#presets").append(make("option", { value: positionOf(bpp) }));
  }
}

export function showControls(/** @type {Viewer} */ viewer) {
  const { root, state, catalogue, records } = viewer;
  const select = (/** @type {string} */ selector, /** @type {string} */ value, /** @type {Named[]} */ list) =>
    fillSelect(find(root, selector, HTMLSelectElement), list, value);
  showRate(viewer);
  const moved = movedBlends(state.panes, catalogue.blends).map(({ label }) => label).join(" and ");
  Object.assign(find(root, ".anchor-group"), { ariaLabel: `Anchor of ${moved}`, hidden: !moved });
  showAnchor(viewer);
  showPressed(viewer);
  showZoom(viewer);
  find(root, ".split", HTMLInputElement).value = String(state.split);
  const panes = state.panes.map((id) => ({ id, label: records.labelOf(id) }));
  select(".swipe-a", state.a, panes);
  select(".swipe-b", state.b, panes);
  select(".against", state.against, panes);
  select(".gain", String(state.gain), GAINS);
  select(".map", state.map, MAPS);
  for (const one of root.querySelectorAll("[data-map]")) one.toggleAttribute("hidden", one.getAttribute("data-map") !== state.map);
  const absent = catalogue.choices.filter(({ id }) => !state.panes.includes(id));
  select(".add", "", [{ id: "", label: "Add pane" }, { id: OPEN, label: "Open pictures…" }, ...absent]);
  select(".picture", state.image, picturesOf(viewer));
  find(root, ".hint kbd + kbd").textContent = String(Math.min(9, state.panes.length));
  find(root, ".hint").hidden = state.panes.length < 2;
  showSpots(viewer);
}

/** The menu of pictures: the gallery, the visitor's own, and the one on the screen in any case.
 * @param {Viewer} viewer @returns {Named[]} */
export function picturesOf({ catalogue, recents, state, beside }) {
  const gallery = catalogue.samples.map(({ id, title }) => ({ id, label: title }));
  const together = beside.choices();
  const alone = recents.list.filter(({ key }) => !together.some(({ id }) => id === key));
  const kept = alone.map(({ key, name }) => ({ id: key, label: name || UNNAMED, group: "Yours" }));
  const all = [...gallery, ...kept, ...together];
  const known = all.some(({ id }) => id === state.image);
  return known ? all : [...all, { id: state.image, label: state.name || UNNAMED, group: "Yours" }];
}

export function showRate(/** @type {Viewer} */ { root, choosing, state: { size } }) {
  const bpp = choosing.rate.value;
  const slider = find(root, "#rate", HTMLInputElement);
  slider.value = String(positionOf(bpp));
  slider.ariaValueText = `${bpp} bits per pixel`;
  const field = find(root, ".bpp", HTMLInputElement);
  showValue(field, String(bpp));
  field.ariaValueNow = String(bpp);
  find(root, ".size").textContent = size ? `≈ ${bytesText((bpp * size.width * size.height) / 8)}` : "";
}

export function showAnchor(/** @type {Viewer} */ { root, choosing: { anchor: { value } } }) {
  const slider = find(root, "#anchor", HTMLInputElement);
  slider.value = String(value);
  slider.ariaValueText = anchorText(value, 2);
  find(root, "output.anchor").textContent = slider.ariaValueText;
}

/** A place between the ends in words. @param {number} anchor @param {number} [digits] */
export function anchorText(anchor, digits) {
  if (anchor === 0 || anchor === 1) return anchor ? "perception" : "fidelity";
  return digits === undefined ? String(anchor) : anchor.toFixed(digits);
}

function showPressed(/** @type {Viewer} */ { root, state }) {
  const { mode, bpp, smooth, signed, loupe, flipping } = state;
  const switches = /** @type {Record<string, boolean>} */ ({ smooth, signed, loupe, autoFlip: flipping });
  for (const button of root.querySelectorAll("button")) {
    const { mode: own, bpp: rate, do: name = "" } = button.dataset;
    if (own) button.ariaPressed = String(own === mode);
    else if (rate) button.ariaPressed = String(Number(rate) === bpp);
    else if (name in switches) button.ariaPressed = String(switches[name]);
  }
}

/** The scale in words; all that changes on the bars while panning and zooming. */
export function showZoom(/** @type {Viewer} */ { root, seen, stage, words }) {
  const { scale, mode, smooth } = seen;
  if (!scale) return;
  const text = `${Math.round(scale * 1000) / 10} %`;
  const place = find(root, ".zoom");
  if (place.textContent !== text) place.textContent = text;
  const front = stage.front();
  const reduced = front !== null && isReduced(seen, front);
  words.tellExactness(reduced ? REDUCED : exactness(scale, smooth && mode !== "diff", stage.counted));
}

/** A button per crop; the last ones are pins, which can be taken out again. @param {Viewer} viewer */
function showSpots(viewer) {
  const spots = viewer.spots();
  const handPicked = spots.length - viewer.state.pins.length;
  const buttonsOf = (/** @type {Spot} */ [name], /** @type {number} */ index) => {
    const go = makeButton({ "data-spot": index, title: `Go to the crop “${name}”` }, name);
    if (index < handPicked) return [go];
    const words = { title: `Remove ${name}`, "aria-label": `Remove ${name}` };
    const out = { class: "unpin", "data-do": "unpin", "data-by": index - handPicked };
    return [go, makeButton({ ...out, ...words }, "×")];
  };
  refill(find(viewer.root, ".spots"), spots, () => spots.flatMap(buttonsOf));
}
