/** The boxes around the pictures: captions in words, canvases, and what a pane says without one. */

import { METRICS, NOT_EQUAL, bestOf, competes, deviationText, metricText, rateText } from "./rates.js";

export const make = (name, className = "", text = "") => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};

/** One pane's elements; `on` gets swap(id, newId) and close(id). */
export function makePane(id, on) {
  const figure = make("figure", "pane");
  const caption = make("figcaption");
  const swap = make("select", "swap");
  swap.title = "Show another codec in this pane";
  swap.addEventListener("change", () => on.swap(figure.dataset.id, swap.value));
  const close = make("button", "close", "×");
  close.type = "button";
  close.addEventListener("click", () => on.close(figure.dataset.id));
  const index = make("button", "index");
  index.type = "button";
  listenToHold(index, (down) => on.hold(down ? figure.dataset.id : null));
  const parts = { index, swap };
  for (const name of ["rate", "off", "bytes", "same", "compared", "metrics", "time"]) {
    parts[name] = make("span", name);
  }
  const first = make("span", "line");
  first.append(parts.index, swap, parts.rate, parts.off, parts.bytes, parts.same, parts.compared);
  const second = make("span", "line second");
  second.append(parts.metrics, parts.time);
  caption.append(first, second, close);
  const canvas = make("canvas");
  const word = make("p", "word");
  const view = make("div", "view");
  view.append(canvas, word);
  parts.licence = make("p", "licence"); // stays when captions are hidden
  figure.append(caption, view, parts.licence);
  return { id, figure, caption, view, canvas, word, close, parts, frame: null };
}

/** A button that acts for as long as it is held, by hand or by key. */
function listenToHold(button, hold) {
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

/** Bring a pane's words up to date. */
export function describePane(pane, record, { index, choices, same, best, compared, last }) {
  const { parts } = pane;
  pane.figure.dataset.id = record.id;
  pane.figure.dataset.state = record.state;
  pane.canvas.dataset.pane = record.id;
  parts.index.textContent = String(index + 1);
  parts.index.ariaLabel = `${index + 1}: hold to show ${record.label} in all panes`;
  parts.index.title = `Hold this, or the key ${index + 1}, to show ${record.label} in all panes`;
  fillSwap(parts.swap, record, choices);
  const known = record.bpp !== null && record.bpp !== undefined;
  parts.rate.textContent = known ? `${rateText(record.bpp)} bpp` : "";
  parts.bytes.textContent = record.bytes_text ?? "";
  const off = known && typeof record.deviation === "number" ? record.deviation : null;
  const uneven = off !== null && Math.abs(off) > NOT_EQUAL;
  parts.off.textContent = off === null ? "" : `${uneven ? "⚠ " : ""}${deviationText(off)}`;
  parts.off.classList.toggle("uneven", uneven);
  parts.off.title = uneven ? record.note || "Not an equal rate: more than 10 % off the target" : "";
  parts.same.textContent = same ? "same file" : "";
  parts.same.title = same ? `SHA-256 ${record.sha256.slice(0, 16)}… is that of the other pane` : "";
  const shown = record.licence && record.state !== "failed";
  parts.licence.textContent = shown ? `weights: ${record.licence}` : "";
  parts.licence.title = choices.find((one) => one.id === record.id)?.terms ?? "";
  fillMetrics(parts.metrics, record, best);
  parts.time.textContent = timeText(record);
  pane.word.textContent = wordOf(record);
  pane.close.ariaLabel = `Remove ${record.label}`;
  const rate = known ? `, ${rateText(record.bpp)} bits per pixel, ${record.bytes} bytes` : "";
  parts.compared.textContent = compared;
  pane.close.hidden = last;
  const map = compared.startsWith("vs ") ? `Difference map of ${record.label} ${compared}` : record.label;
  pane.canvas.ariaLabel = `${map}${rate}`;
  pane.canvas.role = "img";
}

/** Choices of a select, by group where they have one. */
export function fillOptions(select, choices) {
  const groups = new Map([["", []]]);
  for (const { id, label, group = "" } of choices) {
    const option = make("option", "", label);
    option.value = id;
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  const nodes = [...groups].flatMap(([name, options]) => {
    if (!name) return options;
    const group = make("optgroup");
    group.label = name;
    group.append(...options);
    return group;
  });
  select.replaceChildren(...nodes);
}

function fillSwap(select, record, choices) {
  const key = `${record.id}|${record.label}|${choices.map((one) => one.id).join()}`;
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  const known = choices.some((one) => one.id === record.id);
  fillOptions(select, known ? choices : [{ id: record.id, label: record.label }, ...choices]);
  select.value = record.id;
  select.ariaLabel = `Pane: ${record.label}. Choose what it shows`;
}

function fillMetrics(span, record, best) {
  const { view = {} } = record; // what cannot be measured, and why, stands under the table
  const names = Object.keys(METRICS).filter((name) => name in view);
  span.replaceChildren(
    ...names.map((name) => {
      const { label, unit } = METRICS[name];
      const top = competes(record) && view[name] === best[name];
      const node = make("span", top ? `best ${name}` : name);
      node.append(make("abbr", "", label), ` ${metricText(name, view[name])}`);
      if (unit) node.append(make("span", "unit", ` ${unit}`));
      node.title = `${label} in view${top ? ", the best here" : ""}`;
      return node;
    }),
  );
}

/** The best value of each metric among panes, for marking. */
export function bestInView(records) {
  const best = {};
  for (const [name, { better }] of Object.entries(METRICS)) {
    const value = bestOf(records.filter(competes).map((record) => record.view?.[name]), better);
    best[name] = value === Infinity ? "inf" : value;
  }
  return best;
}

function timeText(record) {
  if (record.id === "original") return record.words ?? "";
  return typeof record.decode_ms === "number" ? `${Math.round(record.decode_ms)} ms` : "";
}

function wordOf(record) {
  if (record.state === "failed") return record.error;
  return record.state === "waiting" ? "coding…" : "";
}
