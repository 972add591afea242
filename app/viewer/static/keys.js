/** The keyboard: one table that is both what keys do and what the help page says. */

import { make } from "../../shared/dom.js";

/** Keys, words for the help page, action, its argument. @type {[string[], string, string, unknown?][]} */
const KEYS = [
  [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "hold: this pane everywhere", "hold"],
  [["Space"], "flip between the last two", "toggle"],
  [["["], "previous pane (single)", "cycle", -1],
  [["]"], "next pane (single)", "cycle", 1],
  [["g"], "grid or single", "gridOrSingle"],
  [["s"], "swipe", "swipe"],
  [["d"], "difference", "diff"],
  [["e"], "difference as it would be seen (FLIP), or amplified", "perceived"],
  [[","], "less gain", "gain", -1],
  [["."], "more gain", "gain", 1],
  [["f"], "flip automatically", "autoFlip"],
  [["l"], "loupe", "loupe"],
  [["z"], "100 % or 200 %", "zoomToggle"],
  [["+", "="], "zoom in", "zoom", 1],
  [["-"], "zoom out", "zoom", -1],
  [["0"], "fit", "fit"],
  [["ArrowLeft"], "pan (Shift: further)", "pan", [-1, 0]],
  [["ArrowRight"], "", "pan", [1, 0]],
  [["ArrowUp"], "", "pan", [0, -1]],
  [["ArrowDown"], "", "pan", [0, 1]],
  [["n"], "nearest or smooth", "smooth"],
  [["<"], "lower rate", "rate", -1],
  [[">"], "higher rate", "rate", 1],
  [["p"], "fidelity or perception", "anchor"],
  [["o"], "open pictures as panes", "openPanes"],
  [["c"], "pin this crop", "pin"],
  [["m"], "minimap", "minimap"],
  [["h"], "hide captions", "captions"],
  [["b"], "blind test", "blind"],
  [["F"], "full screen", "fullScreen"],
  [["M"], "presenter’s screen", "present"],
  [["PageDown"], "next crop of the list, there and while you lead a meeting", "walk", 1],
  [["PageUp"], "", "walk", -1],
  [["T"], "there: title and note of the crop", "title"],
  [["G"], "there: dark or grey ground", "ground"],
  [["D"], "leading a meeting: show where you point", "dot"],
  [["y"], "copy link", "copyLink"],
  [["?"], "this list", "help"],
  [["Escape"], "back to the grid", "back"],
];

/** The action of a pressed key, or null. @param {string} key */
function actionOf(key) {
  const name = key === " " ? "Space" : key;
  const row = KEYS.find(([keys]) => keys.includes(name));
  return row ? { name: row[2], argument: row[2] === "hold" ? Number(name) - 1 : row[3] } : null;
}

/** Where keys belong to what has the focus: all of them, or those that it uses itself. */
const FIELDS = "select, textarea, [contenteditable], input:not([type=range], [type=checkbox], [type=radio], [type=file])";
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
/** @type {[string, string[]][]} */
const OWN_KEYS = [
  ["button, summary, [role=button], input:is([type=checkbox], [type=radio], [type=file])", [" ", "Enter"]],
  ["a[href]", ["Enter"]],
  ["input[type=range], input[type=radio], .scroller, .rd-scroll, [role=tab]", ARROWS],
  [".scroller, .rd-scroll", [" "]],
];
const SCROLLING = [" ", ...ARROWS];

/** Whether the focused element keeps a key for itself. @param {EventTarget | null} target @param {string} key */
function isKept(target, key) {
  if (!(target instanceof Element)) return false;
  if (target.closest(`${FIELDS}, dialog, [role=dialog]`)) return true;
  return OWN_KEYS.some(([selector, keys]) => keys.includes(key) && target.closest(selector));
}

/** Whether at least half of an element, or of the window, is that element on the screen. */
function isInSight(/** @type {HTMLElement} */ element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  const seen = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return seen >= Math.min(height, innerHeight) / 2;
}

/** Keys act wherever the focus is, but take none from what has it; away from the pictures the page scrolls.
 * @param {HTMLElement} stage @param {Actions} actions */
export function listenToKeys(stage, actions) {
  const isOurs = (/** @type {KeyboardEvent} */ { key, target, ctrlKey, metaKey, altKey, isComposing }) =>
    !(ctrlKey || metaKey || altKey || isComposing) &&
    !isKept(target, key) &&
    !document.querySelector("dialog[open]") &&
    (!SCROLLING.includes(key) || isInSight(stage));
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (!stage.isConnected) return document.removeEventListener("keydown", pressed);
    const action = event.defaultPrevented || !isOurs(event) ? null : actionOf(event.key);
    if (!action || !actions[action.name]) return; // some are there at times only
    event.preventDefault();
    if (action.name === "hold" && event.repeat) return;
    actions[action.name](action.argument, event.shiftKey);
  };
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", ({ key }) => {
    if (actionOf(key)?.name === "hold") actions.hold(null);
  });
  addEventListener("blur", () => actions.hold(null));
}

/** @type {Record<string, string>} */
const CAPS = {
  ArrowLeft: "← → ↑ ↓", PageDown: "Page ↓ ↑", Escape: "Esc",
  F: "Shift F", M: "Shift M", T: "Shift T", G: "Shift G", D: "Shift D",
};

/** The help page as rows of a description list. @param {HTMLElement} list */
export function fillHelp(list) {
  for (const [keys, words] of KEYS) {
    if (!words) continue;
    const shown = keys.length > 2 ? [`${keys[0]}–${keys.at(-1)}`] : keys;
    const caps = shown.map((key) => make("kbd", {}, CAPS[key] ?? key));
    list.append(make("dt", {}, ...caps), make("dd", {}, words));
  }
}
