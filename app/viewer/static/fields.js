/** The sliders of rate and anchor, and the field beside the rate: what hands and keys in them ask for. */

import { rateStep } from "./rates.js";

/** @typedef {import("./choosing.js").Choosing} Choosing */

/** A slider asks when it is let go; by key, when the keys rest.
 * @param {HTMLInputElement} slider @param {Choosing} choosing @param {(position: number) => number} [at] */
export function listenToSlider(slider, choosing, at = Number) {
  let byKey = false;
  slider.addEventListener("keydown", () => (byKey = true));
  slider.addEventListener("pointerdown", () => (byKey = false));
  slider.addEventListener("input", () => choosing.show(at(Number(slider.value))));
  slider.addEventListener("change", () => choosing.take(byKey));
  // Back where it began, a slider that is let go has not changed.
  slider.addEventListener("pointerup", () => choosing.take());
}

/** A field that is left alone while someone types, and shows the state again once they are done. */
export function listenToNumber(/** @type {HTMLInputElement} */ field, /** @type {(text: string) => void} */ take) {
  field.addEventListener("input", () => (field.dataset.typing = "1"));
  field.addEventListener("change", () => {
    if (isTyping(field)) take(endTyping(field));
  });
  field.addEventListener("blur", () => delete field.dataset.typing);
}

const isTyping = (/** @type {HTMLInputElement} */ field) => Boolean(field.dataset.typing);

/** What was typed; a field that goes away now says no more of it. @param {HTMLInputElement} field */
function endTyping(field) {
  delete field.dataset.typing;
  return field.value;
}

/** What somebody is typing at this moment, for the field that comes instead. @param {HTMLInputElement} field */
export const begunIn = (field) => (isTyping(field) ? endTyping(field) : "");

/** What was begun in a field that is gone is ended in this one, which takes it when it is left.
 * @param {HTMLInputElement} field @param {string} text */
export function goOnTyping(field, text) {
  field.select();
  document.execCommand("insertText", false, text); // as if typed: a value set by a script is no change
}

/** Say what holds now, unless somebody is typing; who has selected all of it still has, and types over it. */
export function showValue(/** @type {HTMLInputElement} */ field, /** @type {string} */ text) {
  if (isTyping(field) || field.value === text) return;
  const { value, selectionStart, selectionEnd } = field;
  const chosen = document.activeElement === field && selectionStart === 0 && selectionEnd === value.length;
  field.value = text;
  if (chosen && value) field.select();
}

/** Arrow keys change the number, as they do in a field for numbers, which would take no comma.
 * @param {HTMLInputElement} field @param {Choosing} choosing */
export function listenToSteps(field, choosing) {
  field.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    delete field.dataset.typing;
    choosing.show(rateStep(choosing.value, way));
    choosing.take(true);
  });
}
