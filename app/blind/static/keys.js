/** The keys of a trial: one table that is both what they do and what the page says of them. Pure. */

/** Keys, words, act, its argument. @type {[string[], string, string, unknown?][]} */
export const KEYS = [
  [[" "], "flip between left and right; hold or tap", "press", "other"],
  [["o"], "the original; hold or tap", "press", "original"],
  [["ArrowLeft"], "show the left one", "turn", "left"],
  [["ArrowRight"], "show the right one", "turn", "right"],
  [["1", "a"], "answer: left", "answer", "left"],
  [["2", "b"], "answer: right", "answer", "right"],
  [["0", "u"], "answer: not sure", "answer", "unsure"],
  [["Backspace"], "back to the last trial", "undo"],
  [["+", "="], "zoom in (wheel and pinch, too)", "zoom", 1],
  [["-"], "zoom out", "zoom", -1],
  [["z"], "100 % or 200 %", "toggle"],
  [["f"], "the whole picture", "fit"],
  [["g"], "side by side", "beside"],
  [["?"], "this list", "help"],
  [["Escape"], "leave, after a question", "leave"],
];
/** With Shift, arrows move the picture; these do so alone as well. @type {Record<string, [number, number]>} */
const PANS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
/** @type {Record<string, string>} */
const CAPS = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Backspace: "⌫", Escape: "Esc" };

/** What a key does: the act and its argument, or null. @param {{key: string, shiftKey: boolean}} event
 * @returns {{name: string, argument: unknown} | null} */
export function actOf({ key, shiftKey }) {
  const pan = PANS[key];
  if (pan && (shiftKey || key === "ArrowUp" || key === "ArrowDown")) return { name: "pan", argument: pan };
  const row = KEYS.find(([keys]) => keys.includes(key.length === 1 ? key.toLowerCase() : key));
  return row ? { name: row[2], argument: row[3] } : null;
}

/** @param {string} key */
export const capOf = (key) => CAPS[key] ?? key.toUpperCase();
