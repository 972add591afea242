/** The table behind the pictures: numbers of the whole picture, and downloads. */

import { find, make } from "../../shared/dom.js";
import { weightsOf } from "../../shared/phrases.js";
import { bestOf, columnsFor, competing, notesOn } from "./numbers.js";
import { stageText } from "./pace.js";
import { rateText } from "./rates.js";
import { ORIGINAL } from "./state.js";

export function fillNumbers(/** @type {Viewer} */ viewer) {
  const { state, records, catalogue, large } = viewer;
  const coded = records.list(state.panes).filter(({ id }) => id !== ORIGINAL);
  const competes = competing(catalogue.limits.unequal);
  const columns = columnsFor(coded, catalogue.metrics);
  const best = columns.map(({ value, better }) => bestOf(coded.filter(competes).map(value), better));
  const isTop = (/** @type {PaneRecord} */ record, /** @type {number} */ i) => {
    const own = columns[i].value(record);
    return typeof own !== "object" && own !== undefined && competes(record) && own === best[i];
  };
  const headOf = (/** @type {string} */ text, title = "") => make("th", { scope: "col", title }, text);
  const heads = columns.map(({ head, title }) => headOf(head, title?.(coded)));
  const head = make("tr", {}, headOf("Codec"), ...heads, headOf("File"));
  const rows = coded.map((record) => {
    if (record.state !== "ready") return rowOf(record, [waitingCell(record, columns.length + 1, large.asks)]);
    const cells = columns.map((column, i) => valueCell(record, column, isTop(record, i)));
    return rowOf(record, [...cells, linksCell(record, viewer)]);
  });
  const place = find(viewer.root, ".numbers");
  find(place, "thead").replaceChildren(head);
  find(place, "tbody").replaceChildren(...rows);
  find(place, ".notes").textContent = notesOn(coded, catalogue).join(" ");
}

function rowOf(/** @type {PaneRecord} */ record, /** @type {HTMLElement[]} */ cells) {
  const aside = record.opened ? "opened" : weightsOf(record);
  const weights = aside ? make("small", {}, aside) : "";
  return make("tr", {}, make("th", { scope: "row" }, record.label, weights), ...cells);
}

/** @param {PaneRecord} record @param {number} columns @param {boolean} asking */
const waitingCell = (record, columns, asking) =>
  make("td", { class: "why", colspan: columns }, record.error || stageText(record, asking));

/** @param {PaneRecord} record @param {Column} column @param {boolean} top */
function valueCell(record, { value, text, why }, top) {
  const title = why?.(record) ?? (top ? "best of those shown" : "");
  const word = top ? make("span", { class: "sr-only" }, " best") : "";
  return make("td", { class: top ? "best" : "", title }, text(value(record), record), word);
}

/** @param {PaneRecord} record @param {Viewer} viewer */
function linksCell({ id, label, bpp, url, file_url: file, opened }, { state, exchange }) {
  const cell = make("td", { class: "links" });
  const rate = bpp === null ? "" : `-${rateText(bpp)}bpp`;
  const name = encodeURIComponent(`${state.name || state.image}-${opened ? label : id}${rate}`);
  for (const [text, from] of [["PNG", url], [".mode", file]]) {
    if (!from) continue;
    // without `download` the browser takes it for leaving the page, and Gradio ends what is on its way
    const link = { href: `${exchange.address(from)}?name=${name}`, download: "", "aria-label": `Download ${label} as ${text}` };
    cell.append(make("a", link, text ?? ""), " ");
  }
  return cell;
}
