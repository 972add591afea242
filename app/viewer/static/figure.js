/** What a figure for a paper shows: choices, what is kept of them, and what is asked of the server. Pure. */

/** @typedef {{width_in: number, text_pt: number, rows: number, metrics: string[], of: string, whole: boolean}} Options */
/** Choices that outlive a visit; `without` are panes that are left out, `crops` says which were ticked or not.
 * @typedef {{options: Options, without: string[], crops: Record<string, boolean>}} Kept */

/** Widths that journals and conferences print at, in inches. @type {Named[]} */
export const WIDTHS = [
  { id: "3.25", label: "3.25 in: CVPR column" },
  { id: "3.5", label: "3.5 in: IEEE column" },
  { id: "6.875", label: "6.875 in: CVPR page" },
  { id: "7.16", label: "7.16 in: IEEE page" },
];
export const OTHER = "other";
export const ROWS = [
  { id: "0", label: "as fits" },
  { id: "1", label: "1 for a crop" },
  { id: "2", label: "2 for a crop" },
];
export const SCOPES = [
  { id: "crops", label: "of each crop" },
  { id: "picture", label: "of the whole picture" },
];
export const VIEW = "view";
const MOST_KEPT = 60;

/** The width of these that a number is, or that it is another one. @param {number} inches */
export const presetOf = (inches) => WIDTHS.find(({ id }) => Number(id) === inches)?.id ?? OTHER;

/** Inches that somebody typed, a comma for the point as well; NaN outside of what figures can be.
 * @param {string} text @param {[number, number]} limits */
export function inchesFrom(text, [least, most]) {
  const plain = text.trim().replace(",", ".").replace(/\s*(in|inch|inches|")$/, "");
  const inches = /^\d{1,3}(\.\d{0,4})?$/.test(plain) ? Number(plain) : NaN;
  return inches >= least && inches <= most ? inches : NaN;
}

/** What was kept of earlier choices, as far as it makes sense today. @param {string} text
 * @param {Catalogue} catalogue @returns {Kept} */
export function keptFrom(text, { figure, metrics }) {
  const usual = figure.options;
  const known = metrics.map(({ key }) => key);
  let found = /** @type {any} */ (null);
  try {
    found = JSON.parse(text || "null");
  } catch {
    // another program wrote there
  }
  const { options = {}, without = [], crops = {} } = found && typeof found === "object" ? found : {};
  const one = (/** @type {any} */ value, /** @type {any[]} */ of, /** @type {any} */ or) => (of.includes(value) ? value : or);
  const texts = (/** @type {any} */ list) => (Array.isArray(list) ? list.filter((each) => typeof each === "string") : []);
  const width = inchesFrom(String(options?.width_in), figure.width);
  return {
    options: {
      width_in: Number.isNaN(width) ? usual.width_in : width,
      text_pt: one(options?.text_pt, figure.texts, usual.text_pt),
      rows: one(options?.rows, [0, 1, 2], usual.rows),
      metrics: Array.isArray(options?.metrics) ? texts(options.metrics).filter((key) => known.includes(key)) : usual.metrics,
      of: one(options?.of, SCOPES.map(({ id }) => id), usual.of),
      whole: one(options?.whole, [true, false], usual.whole),
    },
    without: texts(without).slice(-MOST_KEPT),
    crops: Object.fromEntries(Object.entries(crops ?? {}).filter(([, on]) => typeof on === "boolean").slice(0, MOST_KEPT)),
  };
}

/** Whether a crop is shown: as somebody chose, or else the pins if there are any, and the view if not.
 * @param {Kept} kept @param {string} id @param {boolean} pinned whether there are pins */
export const isShown = ({ crops }, id, pinned) => crops[id] ?? (id !== VIEW) === pinned;

/** The crops that can be chosen: what is in view, and the pins. @param {number[][]} pins @returns {Named[]} */
export const cropsOf = (pins) => [
  { id: VIEW, label: "this view" },
  ...pins.map((_, at) => ({ id: `pin ${at + 1}`, label: `pin ${at + 1}` })),
];

/** What is said of a preview. @param {FigureShown} shown */
export function aboutFigure({ inches, cell, hints }) {
  const size = inches.map((one) => one.toFixed(2)).join(" × ");
  return [`${size} in, cells ${cell.toFixed(2)} in wide.`, ...hints].join(" ");
}
