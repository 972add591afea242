/** Metrics as words, which value is best, and the columns of the table of numbers. Pure. */

import { deviationText, grouped, rateText } from "./rates.js";

const ARROWS = { higher: " ↑", lower: " ↓", "": "" };

const ms = (/** @type {number} */ value) => String(Math.round(value));

export function metricText(/** @type {Metric} */ { digits }, /** @type {Value} */ value) {
  if (value === "inf") return "∞";
  return typeof value === "number" ? value.toFixed(digits) : "–";
}

/** Whether nobody has said how large a file is. @param {PaneRecord} record */
const isUnsized = ({ opened, bpp }) => Boolean(opened) && bpp === null;

/** Whether a pane may be called the best: at another size than the others, or at none, that means nothing.
 * @param {number} unequal @returns {(record: PaneRecord) => boolean} */
export const competing = (unequal) => (record) =>
  !isUnsized(record) && !record.aside && !(Math.abs(record.deviation ?? 0) > unequal);

/** The best of some values, or undefined: fewer than two is no contest. @returns {Value} */
export function bestOf(/** @type {Value[]} */ values, /** @type {Metric["better"]} */ better) {
  const numbers = values
    .map((value) => (value === "inf" ? Infinity : value))
    .filter((value) => typeof value === "number");
  if (numbers.length < 2 || !better) return undefined;
  const best = better === "higher" ? Math.max(...numbers) : Math.min(...numbers);
  return best === Infinity ? "inf" : best;
}

/** The best value of each metric in view, for marking.
 * @param {PaneRecord[]} records @param {Catalogue} catalogue */
export function bestInView(records, { metrics, limits }) {
  const views = records.filter(competing(limits.unequal)).map(({ view }) => view);
  const bestOfAll = (/** @type {Metric} */ { key, better }) => bestOf(views.map((view) => view?.[key]), better);
  return Object.fromEntries(metrics.map((metric) => [metric.key, bestOfAll(metric)]));
}

/** A column of a record's own field.
 * @param {string} head @param {"bytes" | "bpp" | "deviation" | "encode_ms" | "decode_ms"} field
 * @param {(value: number) => string} text @param {Metric["better"]} better @returns {Column} */
const plain = (head, field, text, better) => ({
  head,
  better,
  value: (record) => record[field],
  waits: () => false,
  text: (value, record) => (typeof value === "number" ? text(value) : isUnsized(record) && head === "Bytes" ? "unknown" : "–"),
});

/** A column of times, which says on what machine and beside what they were taken, where that is known.
 * @param {string} head @param {"encode_ms" | "decode_ms"} field @returns {Column} */
const timed = (head, field) => ({
  ...plain(head, field, ms, "lower"),
  why: (record) => record.timing,
  title: (records) => [...new Set(records.map(({ timing }) => timing))].filter(Boolean).join("; "),
});

/** @param {Metric} metric @returns {Column} */
const measured = (metric) => {
  const value = (/** @type {PaneRecord} */ { metrics }) => metrics?.[metric.key];
  const waits = (/** @type {PaneRecord} */ record) =>
    value(record) === undefined && !(metric.key in (record.missing ?? {}));
  return {
    head: `${metric.label}${metric.unit && ` [${metric.unit}]`}${ARROWS[metric.better]}`,
    better: metric.better,
    value,
    waits,
    text: (own, record) => (waits(record) ? "…" : metricText(metric, own)),
    why: (record) => record.missing?.[metric.key],
    title: () => metric.about,
  };
};

/** All columns that have a value or wait for one, and all while nothing is ready. */
export function columnsFor(/** @type {PaneRecord[]} */ records, /** @type {Metric[]} */ metrics) {
  const all = [
    plain("Bytes", "bytes", grouped, ""),
    plain("bpp", "bpp", rateText, ""),
    plain("Δ target", "deviation", deviationText, ""),
    ...metrics.map(measured),
    timed("Encode [ms]", "encode_ms"),
    timed("Decode [ms]", "decode_ms"),
  ];
  const ready = records.filter(({ state }) => state === "ready");
  const told = (/** @type {Column} */ { value, waits }) =>
    ready.some((record) => waits(record) || (value(record) ?? null) !== null);
  return ready.length ? all.filter(told) : all;
}

/** What a reader must know about the columns: why one is empty, and what is not compared. */
export function notesOn(/** @type {PaneRecord[]} */ records, /** @type {Catalogue} */ { metrics, limits }) {
  const ready = records.filter(({ state }) => state === "ready");
  const missing = Object.assign({}, ...ready.map((record) => record.missing));
  const labels = (/** @type {string} */ why) =>
    metrics.filter(({ key }) => missing[key] === why).map(({ label }) => label);
  const notes = [...new Set(Object.values(missing))].map((why) => `No ${labels(why).join(", ")}: ${why}.`);
  if (ready.some(isUnsized)) notes.push("What has no known size is not compared.");
  if (ready.some(({ aside }) => aside)) notes.push("What has a size of its own is not compared.");
  if (!ready.filter((record) => !isUnsized(record) && !record.aside).every(competing(limits.unequal))) {
    notes.push(`What misses the size by more than ${100 * limits.unequal} % is not compared.`);
  }
  return notes;
}
