/** The boxes around the pictures: captions in words, canvases, and what a pane says without one. */

import { fillSelect, make, makeButton, refill, write } from "../../shared/dom.js";
import { licenceOf, weightsOf } from "../../shared/phrases.js";
import { listenToNumber, showValue } from "./fields.js";
import { competing, metricText } from "./numbers.js";
import { isOpened } from "./opened.js";
import { waitingText } from "./pace.js";
import { baseLabel, baseOf, ownRateOf } from "./rated.js";
import { deviationText, rateText } from "./rates.js";

const SCOPE_TITLE = "The numbers in the captions are of the part in view; the table has those of the whole picture";

/** What the numbers in the captions are of. @param {boolean} whole */
export const scopeWords = (whole) => (whole ? "whole picture" : "in view");

/** @param {string} name @param {(Node | string)[]} children */
const span = (name, ...children) => make("span", { class: name }, ...children);

/** One pane's elements. @param {string} id @param {PaneActions} on */
export function makePane(id, on) {
  const onchange = () => on.swap(id, swap.value);
  const swap = make("select", { class: "swap", title: "Show another codec in this pane", onchange });
  const close = makeButton({ class: "close", onclick: () => on.close(id) }, "×");
  const index = makeButton({ class: "index" });
  listenToHold(index, (down) => on.hold(down ? id : null));
  const licence = make("p", { class: "licence" }); // stays when captions are hidden
  const rate = makeButton({ class: "rate", onclick: () => on.size(id) });
  const [off, bytes, same] = ["off", "bytes", "same"].map((name) => span(name));
  const given = make("input", { class: "given", type: "text", autocomplete: "off", placeholder: "size unknown" });
  listenToNumber(given, (text) => on.resize(id, text));
  const mark = makeButton({ class: "mark", hidden: true });
  const [compared, metrics, scope, time] = ["compared", "metrics", "scope", "time"].map((name) => span(name));
  const above = span("scope"); // in narrow captions, whose second line has no room for it
  const sign = make("span", { class: "sign" }); // instead of all that, on the presenter’s screen
  const parts = { sign, index, swap, mark, rate, off, bytes, given, same, compared, above, metrics, scope, time, licence };
  const first = span("line", index, swap, mark, rate, off, bytes, given, same, compared, above);
  const caption = make("figcaption", {}, first, span("line second", metrics, scope, time), close, sign);
  const canvas = make("canvas", { role: "img", "data-pane": id });
  const word = make("p", { class: "word" });
  const view = make("div", { class: "view" }, canvas, word);
  const figure = make("figure", { class: "pane", "data-id": id }, caption, view, licence);
  return { id, figure, view, canvas, word, close, parts, frame: /** @type {Size | null} */ (null) };
}

/** A button that acts for as long as it is held, by hand or by key. */
function listenToHold(/** @type {HTMLElement} */ button, /** @type {(down: boolean) => void} */ hold) {
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    hold(true);
  });
  for (const end of ["pointerup", "pointercancel", "keyup", "blur"]) {
    button.addEventListener(end, () => hold(false));
  }
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") hold(true);
  });
}

/** Bring a pane's words up to date. `same` tells that another pane shows the same file, `compared` what
 * a difference map is drawn against, `whole` that all of the picture is in view, `asking` that the
 * visitor is yet to choose what is coded, `last` that no other pane is left, `sized` that its size can be chosen.
 * @param {Pane} pane @param {PaneRecord} record @param {Catalogue} catalogue
 * @param {{index: number, same: boolean, best: Best, compared: Compared, whole: boolean, asking: boolean, last: boolean, sized: boolean}} how */
export function describePane(pane, record, catalogue, { index, same, best, compared, whole, asking, last, sized }) {
  const { figure, parts, canvas, close, word } = pane;
  const { label } = record;
  figure.dataset.state = record.state;
  write(parts.index, `${index + 1}`, `Hold this, or the key ${index + 1}, to show ${label} in all panes`);
  parts.index.ariaLabel = `${index + 1}: hold to show ${label} in all panes`;
  const base = baseOf(record.id);
  const known = catalogue.choices.find(({ id }) => id === base);
  const own = known ? [] : [{ id: base, label: baseLabel(label, record.id) }];
  fillSelect(parts.swap, [...own, ...catalogue.choices], base);
  parts.swap.ariaLabel = `Pane: ${label}. Choose what it shows`;
  const wished = ownRateOf(record.id);
  const rate = record.bpp === null ? String(wished ?? "") : rateText(record.bpp);
  describeRate(parts.rate, record, rate, sized);
  parts.bytes.textContent = isOpened(record.id) ? "" : (record.bytes_text ?? "");
  describeMark(parts.mark, record);
  describeOpened(parts, record);
  describeDeviation(parts.off, record, catalogue.limits.unequal);
  if (same) write(parts.same, "same file", `SHA-256 ${record.sha256?.slice(0, 16)}… is that of the other pane`);
  else write(parts.same, "");
  const licence = record.state !== "failed" && licenceOf(record) ? weightsOf(record) : "";
  write(parts.licence, licence, known?.terms);
  fillMetrics(parts.metrics, record, best, catalogue, scopeWords(whole));
  if (compared.mean) parts.metrics.prepend(make("span", { title: compared.title ?? "" }, make("abbr", {}, "FLIP"), ` ${compared.mean}`));
  const scope = parts.metrics.childElementCount ? scopeWords(whole) : "";
  for (const part of [parts.scope, parts.above]) write(part, scope, SCOPE_TITLE);
  const ms = record.decode_ms;
  const timed = typeof ms === "number" && !record.words;
  const took = timed ? ["Time to decode", record.timing].filter(Boolean).join("; ") : "";
  write(parts.time, timed ? `${Math.round(ms)} ms` : (record.words ?? ""), took);
  const waits = () => waitingText(record, asking, performance.now());
  word.textContent = { waiting: waits, failed: () => record.error ?? "", ready: () => "" }[record.state]();
  close.ariaLabel = `Remove ${label}`;
  close.hidden = last;
  parts.compared.textContent = compared.text;
  const map = compared.mean ? `FLIP map of ${label} ${compared.text}, mean ${compared.mean}` : `Difference map of ${label} ${compared.text}`;
  fillSign(parts.sign, record, rate, compared.text);
  canvas.ariaLabel = (compared.text.startsWith("vs ") ? map : label) + (rate && `, ${rate} bits per pixel, ${record.bytes} bytes`);
}

/** What can be read from the last row: who, how much, and which of two ways to draw it.
 * @param {HTMLElement} sign @param {PaneRecord} record @param {string} rate @param {string} compared */
function fillSign(sign, { id, label, anchor = "", words = "" }, rate, compared) {
  const more = [rate ? `${rate} bpp` : words, anchor, compared].filter(Boolean);
  refill(sign, [label, ...more], () => [make("b", {}, baseLabel(label, id)), ...more.map((text) => span("", text))]);
}

/** The rate leads to where it is chosen. @param {HTMLButtonElement} place @param {PaneRecord} record
 * @param {string} rate @param {boolean} sized */
function describeRate(place, { id, label }, rate, sized) {
  const own = ownRateOf(id) !== null;
  write(place, rate && `${rate} bpp`, sized ? `${own ? "A size of its own" : "The common size"}: choose another for this pane` : "");
  place.ariaLabel = `${rate} bpp, choose the size of ${label}`;
  place.disabled = !sized;
  place.classList.toggle("own", own);
}

/** Who made it: somebody elsewhere, or a network with whose weights, of which About says more.
 * @param {HTMLButtonElement} mark @param {PaneRecord} record */
function describeMark(mark, { id, whose = "", licence, state, note }) {
  const opened = isOpened(id);
  const elsewhere = ["Made elsewhere, and opened beside the original", note].filter(Boolean).join("; ");
  const more = licence ? "About says where they are from" : "About says how far these weights are from the paper’s";
  write(mark, opened ? "opened" : state === "failed" ? "" : whose, opened ? elsewhere : more);
  mark.dataset.do = opened ? "" : licence ? "goTo" : "howFar";
  mark.dataset.kind = "about"; // where that goes to
  mark.hidden = !mark.textContent;
  mark.disabled = opened;
}

/** Who opened a picture may say how large its file is.
 * @param {Pane["parts"]} parts @param {PaneRecord} record */
function describeOpened({ given }, { id, label, bytes, bytes_text: text = "", state }) {
  const opened = isOpened(id);
  given.hidden = !opened || state === "failed";
  if (given.hidden) return;
  showValue(given, text);
  given.title = `${bytes === null ? "Nobody has said how large its file is" : `${bytes} bytes`}: type 12345 or 12.3 kB`;
  given.ariaLabel = `Size of the file of ${label}`;
}

/** How far the file is from the size asked for.
 * @param {HTMLElement} place @param {PaneRecord} record @param {number} unequal */
function describeDeviation(place, { bpp, deviation, note }, unequal) {
  const off = bpp === null ? null : (deviation ?? null);
  const uneven = off !== null && Math.abs(off) > unequal;
  const warned = uneven && !note; // where a codec's range ends nothing is wrong: the note says so
  const text = off === null ? "" : `${warned ? "⚠ " : ""}${deviationText(off)}`;
  const why = note || `Not an equal rate: more than ${100 * unequal} % off the target`;
  write(place, text, uneven ? why : "");
  place.classList.toggle("uneven", warned);
}

/** What cannot be measured, and why, stands under the table. `scope` says what the numbers are of.
 * @param {HTMLElement} place @param {PaneRecord} record @param {Best} best @param {Catalogue} catalogue
 * @param {string} scope */
function fillMetrics(place, record, best, { metrics, limits }, scope) {
  const { view = {} } = record;
  const nodes = metrics.filter(({ key }) => key in view).map((metric) => {
    const { key, label, unit, in_view: where } = metric;
    const top = competing(limits.unequal)(record) && view[key] === best[key];
    const text = ` ${metricText(metric, view[key])}`;
    const node = span(`${key} ${where}${top ? " best" : ""}`, make("abbr", {}, label), text);
    if (unit) node.append(span("unit", ` ${unit}`));
    node.title = `${label}, ${scope}${top ? ", the best here" : ""}`;
    return node;
  });
  place.replaceChildren(...nodes);
}
