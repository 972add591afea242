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
  [["c"], "pin this crop", "pin"],
  [["m"], "minimap", "minimap"],
  [["h"], "hide captions", "captions"],
  [["F"], "full screen", "fullScreen"],
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

/** Keys act only while the viewer itself has the focus, so that nothing else loses its keys. */
export function listenToKeys(/** @type {HTMLElement} */ stage, /** @type {Actions} */ actions) {
  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    if (action.name === "hold" && event.repeat) return;
    actions[action.name](action.argument, event.shiftKey);
  });
  const release = () => actions.hold(null);
  stage.addEventListener("keyup", (event) => {
    if (actionOf(event.key)?.name === "hold") release();
  });
  stage.addEventListener("blur", release);
}

/** @type {Record<string, string>} */
const CAPS = { ArrowLeft: "← → ↑ ↓", F: "Shift F", Escape: "Esc" };

/** The help page as rows of a description list. @param {HTMLElement} list */
export function fillHelp(list) {
  for (const [keys, words] of KEYS) {
    if (!words) continue;
    const shown = keys.length > 2 ? [`${keys[0]}–${keys.at(-1)}`] : keys;
    const caps = shown.map((key) => make("kbd", {}, CAPS[key] ?? key));
    list.append(make("dt", {}, ...caps), make("dd", {}, words));
  }
}
