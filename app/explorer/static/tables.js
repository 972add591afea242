/** The tables and lists around the plot. */

import { make, makeButton, refill } from "../../shared/dom.js";
import { canOpen, shortNumber } from "./points.js";

/** BD-rates, or the sentence that says why there is none. @param {HTMLElement} body @param {BdRow[]} rows */
export function fillBd(body, rows) {
  const lines = rows.map(({ label, source, origin, refused, rate, overlap }) => {
    const name = make("th", { scope: "row", title: source }, label, make("small", {}, origin));
    const cells = refused
      ? [make("td", { colspan: 2, class: "rd-refused" }, refused)]
      : [make("td", {}, rate), make("td", {}, overlap)];
    return make("tr", {}, name, ...cells);
  });
  body.replaceChildren(...lines);
}

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
 * @param {HTMLElement} body @param {Point[]} points @param {Axis} axis @param {(point: Point) => void} open */
export function fillPoints(body, points, axis, open) {
  const rows = points.map((point) => {
    const { curve, p, bpp, value } = point;
    const label = `Open ${curve.label} at ${shortNumber(bpp)} bpp`;
    const button = { class: "rd-link", "aria-label": label, onclick: () => open(point) };
    const numbers = [shortNumber(bpp), shortNumber(value, axis.digits), String(curve.images[p] || "")];
    const cells = [...numbers, curve.source, canOpen(curve) ? makeButton(button, "open") : ""];
    const name = make("th", { scope: "row" }, curve.label);
    return make("tr", {}, name, ...cells.map((cell) => make("td", {}, cell)));
  });
  body.replaceChildren(...rows);
}
