/** The bars above and below the pictures: what they show, and which action they ask for. */

import { fillOptions, make } from "./panes.js";
import { PRESETS, bytesText, positionOf, rateAt } from "./rates.js";

const GAINS = [1, 2, 4, 8, 16, 32];

function options(select, list, value, first = "") {
  const key = JSON.stringify([list, first]);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    fillOptions(select, first ? [{ id: "", label: first }, ...list] : list);
  }
  select.value = value;
}

/** Connect the bars to the actions. */
export function listenToControls(root, actions) {
  const $ = (selector) => root.querySelector(selector);
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !root.contains(button)) return;
    const { do: name, mode, scale, bpp, spot, by, kind } = button.dataset;
    if (mode) actions.mode(mode);
    else if (scale) actions.scale(Number(scale));
    else if (bpp) actions.setRate(Number(bpp));
    else if (spot) actions.spot(Number(spot));
    else if (name && actions[name]) actions[name](by === undefined ? kind : Number(by));
  });
  $("#rate").addEventListener("input", (event) => actions.setRate(rateAt(Number(event.target.value))));
  listenToNumber($(".bpp"), actions.setRate);
  $("#anchor").addEventListener("input", (event) => actions.setAnchor(Number(event.target.value)));
  $(".picture").addEventListener("change", (event) => actions.picture(event.target.value));
  $(".split").addEventListener("input", (event) => actions.split(Number(event.target.value)));
  $(".swipe-a").addEventListener("change", (event) => actions.side("a", event.target.value));
  $(".swipe-b").addEventListener("change", (event) => actions.side("b", event.target.value));
  $(".against").addEventListener("change", (event) => actions.set({ against: event.target.value }));
  $(".gain").addEventListener("change", (event) => actions.set({ gain: Number(event.target.value) }));
  $(".add").addEventListener("change", (event) => actions.addPane(event.target.value));
  makePresets(root);
}

/** A field that is left alone while someone types, and shows the state again once they are done. */
function listenToNumber(field, take) {
  field.addEventListener("input", () => (field.dataset.typing = "1"));
  field.addEventListener("change", () => {
    delete field.dataset.typing;
    take(Number(field.value));
  });
  field.addEventListener("blur", () => delete field.dataset.typing);
}

function makePresets(root) {
  for (const { bpp, name } of PRESETS) {
    const button = make("button", "", String(bpp));
    button.type = "button";
    button.dataset.bpp = bpp;
    button.title = name ? `${name}: ${bpp} bpp` : `${bpp} bpp`;
    root.querySelector(".presets").append(button);
    const mark = make("option");
    mark.value = positionOf(bpp);
    root.querySelector("#presets").append(mark);
  }
}

/** Show the state in the bars. */
export function showControls(root, state, extra, { size, samples, choices, labelOf, spots }) {
  const $ = (selector) => root.querySelector(selector);
  const press = (selector, on) => ($(selector).ariaPressed = String(on));
  $("#rate").value = positionOf(state.bpp);
  $("#rate").ariaValueText = `${state.bpp} bits per pixel`;
  if (!$(".bpp").dataset.typing) $(".bpp").value = state.bpp;
  $(".size").textContent = size ? `≈ ${bytesText((state.bpp * size.width * size.height) / 8)}` : "";
  $("#anchor").value = state.anchor;
  const ends = { 0: "fidelity", 1: "perception" };
  $("output.anchor").textContent = ends[state.anchor] ?? state.anchor.toFixed(2);
  for (const button of root.querySelectorAll("[data-mode]")) {
    if (button.tagName === "BUTTON") button.ariaPressed = String(button.dataset.mode === state.mode);
  }
  for (const button of root.querySelectorAll("[data-bpp]")) {
    button.ariaPressed = String(Number(button.dataset.bpp) === state.bpp);
  }
  press("[data-do=smooth]", state.smooth);
  press("[data-do=signed]", state.signed);
  press("[data-do=loupe]", state.loupe);
  press("[data-do=autoFlip]", extra.flipping);
  showZoom(root, state);
  $(".split").value = state.split;
  const shown = state.panes.map((id) => ({ id, label: labelOf(id) }));
  options($(".swipe-a"), shown, state.a);
  options($(".swipe-b"), shown, state.b);
  options($(".against"), shown, state.against);
  options($(".gain"), GAINS.map((gain) => ({ id: String(gain), label: `×${gain}` })), String(state.gain));
  const absent = choices.filter(({ id }) => !state.panes.includes(id));
  options($(".add"), absent, "", "Add pane");
  const own = samples.some(({ id }) => id === state.image);
  const all = samples.map(({ id, title }) => ({ id, label: title }));
  if (!own) all.push({ id: state.image, label: extra.name || "Your picture" });
  options($(".picture"), all, state.image);
  $(".hint kbd + kbd").textContent = Math.min(9, state.panes.length);
  $(".hint").hidden = state.panes.length < 2;
  showSpots($(".spots"), spots, state.pins.length);
}

/** The scale in words; all that changes on the bars while panning and zooming. */
export function showZoom(root, { scale }) {
  const text = `${Math.round(scale * 1000) / 10} %`;
  const place = root.querySelector(".zoom");
  if (place.textContent !== text) place.textContent = text;
}

/** A button per crop; the last ones are pins, which can be taken out again. */
function showSpots(place, spots, pins) {
  const key = JSON.stringify(spots);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const handPicked = spots.length - pins;
  place.replaceChildren(
    ...spots.flatMap(([name], index) => {
      const go = make("button", "", name);
      go.dataset.spot = index;
      go.title = `Go to the crop “${name}”`;
      if (index < handPicked) return go;
      const away = make("button", "unpin", "×");
      away.dataset.do = "unpin";
      away.dataset.by = index - handPicked;
      away.ariaLabel = away.title = `Remove ${name}`;
      return [go, away];
    }),
  );
  for (const button of place.children) button.type = "button";
}
