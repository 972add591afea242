/** What the votes say: shown after the end, in the words of the server. */

import { make, makeButton, saveAs } from "../../shared/dom.js";

const KINDS = /** @type {Record<string, string>} */ ({ pair: "pair", check: "check", same: "the same twice" });
const OWN_HEAD = ["trial", "kind", "picture", "left", "right", "answer", "sizes"];

/** The whole result as elements. @param {BlindResult} result */
export function resultOf(result) {
  const { about = [], fields = [], licences = [], unranked } = result;
  const parts = /** @type {HTMLElement[]} */ ([]);
  if (result.checks) {
    parts.push(make("p", { class: "checks" }, `${result.right} of ${result.checks} checks right: the original beside a plainly worse picture.`));
  }
  if (unranked) parts.push(make("p", { class: "bad" }, unranked));
  parts.push(...sentences(about));
  fields.forEach((field, at) => {
    if (fields.length > 1) parts.push(make("h3", {}, `Field ${at + 1} of ${fields.length}`));
    parts.push(tableOf("What was preferred", result.head ?? [], field.rows), ...sentences(field.about));
    if (field.metrics.length) parts.push(tableOf("What metrics prefer", field.metric_head, field.metrics));
  });
  parts.push(...sentences(licences));
  if (result.own) {
    const rows = result.own.map((row) => [row[0], KINDS[row[1]] ?? row[1], ...row.slice(2, 6), row[6] === "yes" ? "differ > 3 %" : ""]);
    parts.push(make("details", {}, make("summary", {}, "Trial by trial"), tableOf("Your answers", OWN_HEAD, rows)));
  }
  return parts;
}

/** Save text as a file. @param {string} words @param {string} name @param {string} text @param {string} [kind] */
export const saveButton = (words, name, text, kind = "text/csv") =>
  makeButton({ class: "main", onclick: () => saveAs(name, new Blob([text], { type: kind })) }, words);

/** @param {string[]} words */
const sentences = (words) => words.map((one) => make("p", {}, one));

/** @param {string} caption @param {string[]} head @param {string[][]} rows */
function tableOf(caption, head, rows) {
  const cells = (/** @type {"th" | "td"} */ kind, /** @type {string[]} */ row) =>
    row.map((cell) => make(kind, kind === "th" ? { scope: "col" } : {}, cell));
  return make(
    "div", { class: "scroller", tabindex: 0, role: "region", "aria-label": caption },
    make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...cells("th", head))), make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells("td", row))))),
  );
}
