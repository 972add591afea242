/** The tables and lists around the plot. */

import { make, makeButton, refill } from "../../shared/dom.js";
import { canOpen, nameOf, shortNumber } from "./points.js";

/** BD-rates, or the sentence that says why there is none. @param {HTMLElement} body @param {BdRow[]} rows */
export function fillBd(body, rows) {
  const lines = rows.map(({ kind, label, source, origin, refused, rate, overlap }) => {
    const name = make("th", { scope: "row", title: source }, label, make("small", {}, origin));
    const cells = refused
      ? [make("td", { colspan: 2, class: "rd-refused" }, refused)]
      : [make("td", {}, rate), make("td", {}, overlap)];
    return make("tr", kind === "yours" ? { class: "rd-mine" } : {}, name, ...cells);
  });
  body.replaceChildren(...lines);
}

/** Where the curves stand in the plane, best in the upper axis first; then those that are not there, and why.
 * @param {HTMLElement} body @param {PlotAnswer} answer @param {(curve: Curve) => boolean} shown */
export function fillPlaces(body, { curves, figure, axis, across, plane }, shown) {
  const better = axis.better === "lower" ? 1 : -1;
  const there = curves.map((curve, c) => ({ curve, x: figure.data[c].x[0], y: figure.data[c].y[0] })).filter(({ curve }) => shown(curve));
  const [placed, absent] = [true, false].map((is) => there.filter(({ y }) => (y !== undefined) === is));
  placed.sort((a, b) => better * (a.y - b.y));
  absent.sort((a, b) => Number(b.curve.kind === "yours") - Number(a.curve.kind === "yours"));
  const lines = [...placed, ...absent].map(({ curve, x, y }) => {
    const name = make("th", { scope: "row", title: curve.source }, curve.label, make("small", {}, originOf(curve)));
    const cells = y === undefined
      ? [make("td", { colspan: 2, class: "rd-refused" }, plane?.absent[curve.key] ?? "")]
      : [make("td", {}, shortNumber(x, across?.digits)), make("td", {}, shortNumber(y, axis.digits))];
    return make("tr", curve.kind === "yours" ? { class: "rd-mine" } : {}, name, ...cells);
  });
  body.replaceChildren(...lines);
}

/** Whose a curve is, in a word or two. @param {Curve} curve */
const originOf = (curve) => nameOf(curve).slice(curve.label.length + 2, -1);

/** The user's files with what was found in them, each removable.
 * @param {HTMLElement} list @param {FileReport[]} files @param {(i: number) => void} remove */
export function fillFiles(list, files, remove) {
  const itemOf = (/** @type {FileReport} */ { name, error, summary }, /** @type {number} */ i) => {
    const bad = error ? { class: "rd-error", role: "alert" } : {};
    const away = makeButton({ class: "rd-link", onclick: () => remove(i) }, "remove");
    return make("li", bad, `${name}: ${error || summary} `, away);
  };
  refill(list, files, () => files.map(itemOf));
}

/** The points in view as a table, with a button for those that can be opened.
 * @param {HTMLElement} body @param {Point[]} points @param {PlotAnswer} answer @param {(point: Point) => void} open */
export function fillPoints(body, points, { axis, across }, open) {
  const rows = points.map((point) => {
    const { curve, p, x, bpp, value } = point;
    const label = `Open ${curve.label} at ${shortNumber(bpp)} bpp`;
    const button = { class: "rd-link", "aria-label": label, onclick: () => open(point) };
    const numbers = [shortNumber(bpp), ...(across ? [shortNumber(x, across.digits)] : []), shortNumber(value, axis.digits)];
    const cells = [...numbers, String(curve.images[p] || ""), curve.source, canOpen(curve) ? makeButton(button, "open") : ""];
    const name = make("th", { scope: "row" }, curve.label);
    return make("tr", {}, name, ...cells.map((cell) => make("td", {}, cell)));
  });
  body.replaceChildren(...rows);
}
