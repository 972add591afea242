import assert from "node:assert/strict";
import { test } from "node:test";
import * as numbers from "../../../app/viewer/static/numbers.js";
import { CATALOGUE } from "../catalogue.js";

const ready = (more) => ({ state: "ready", bytes: 1000, bpp: 0.1, deviation: 0, ...more });
const heads = (records, { metrics } = CATALOGUE) =>
  numbers.columnsFor(records, metrics).map(({ head }) => head);

test("the best of a column is the highest or the lowest, and one value is no contest", () => {
  assert.equal(numbers.bestOf([30, 31.5, undefined, null], "higher"), 31.5);
  assert.equal(numbers.bestOf([30, "inf"], "higher"), "inf");
  assert.equal(numbers.bestOf([0.2, 0.1], "lower"), 0.1);
  assert.equal(numbers.bestOf([-12.5, -3], "higher"), -3);
  assert.equal(numbers.bestOf([0.2], "lower"), undefined);
  assert.equal(numbers.bestOf([1, 2], ""), undefined);
});

test("what misses the size does not compete", () => {
  const competes = numbers.competing(0.1);
  assert.ok(competes({ deviation: -0.1 }) && competes({}));
  assert.ok(!competes({ deviation: 0.11 }));
  const views = [{ view: { psnr: 30 } }, { view: { psnr: 31 } }, { view: { psnr: 40 }, deviation: 0.5 }];
  assert.equal(numbers.bestInView(views, CATALOGUE).psnr, 31);
});

test("a metric has the digits of its row in the catalogue", () => {
  const [psnr, ssim] = CATALOGUE.metrics;
  assert.equal(numbers.metricText(psnr, 30.128), "30.13");
  assert.equal(numbers.metricText(ssim, 0.98765), "0.9877");
  assert.equal(numbers.metricText(psnr, -1234.5), "-1234.50");
  assert.equal(numbers.metricText(psnr, "inf"), "∞");
  assert.equal(numbers.metricText(psnr, undefined), "–");
});

test("the table has a column for each metric of the catalogue", () => {
  const usual = ["PSNR [dB] ↑", "MS-SSIM ↑", "LPIPS ↓", "SSIMULACRA2 ↑"];
  assert.deepEqual(heads([]).slice(3, -2), usual);
  const fresh = { key: "vmaf", label: "VMAF", unit: "", better: "higher", digits: 1 };
  const metrics = [...CATALOGUE.metrics, fresh];
  assert.deepEqual(heads([], { metrics }).slice(3, -2), [...usual, "VMAF ↑"]);
});

test("a column that nobody has a value for, or waits for one, is left out", () => {
  const missing = { dists: "no weights" };
  const metrics = { psnr: 30, ms_ssim: 0.9, lpips: 0.1, ssimulacra2: -12.5 };
  const stored = ready({ metrics, missing, encode_ms: null, decode_ms: null });
  const shown = ["Bytes", "bpp", "Δ target", "PSNR [dB] ↑", "MS-SSIM ↑", "LPIPS ↓", "SSIMULACRA2 ↑"];
  assert.deepEqual(heads([stored, { state: "failed" }]), shown);
  const live = ready({ metrics, missing, decode_ms: 20 });
  assert.deepEqual(heads([stored, live]), [...shown, "Decode [ms]"]);
  assert.deepEqual(heads([ready({ deviation: null, missing }), stored]).slice(2), shown.slice(2));
  assert.ok(heads([ready({})]).includes("LPIPS ↓"), "which is still waited for");
});

test("a column of times says how they were taken", () => {
  const timed = ["CPU, 2 cores", "", "CPU, 2 cores", "H100"].map((timing) => ready({ decode_ms: 9, timing }));
  const column = numbers.columnsFor(timed, CATALOGUE.metrics).at(-1);
  assert.equal(column.title(timed), "CPU, 2 cores; H100");
  assert.equal(column.why(timed[3]), "H100");
});

test("a value that is not there yet is waited for, one that cannot be had is not", () => {
  const [psnr] = numbers.columnsFor([], CATALOGUE.metrics).slice(3);
  const text = (record) => psnr.text(psnr.value(record), record);
  assert.equal(text(ready()), "…");
  assert.equal(text(ready({ missing: { psnr: "no original" } })), "–");
  assert.equal(psnr.why(ready({ missing: { psnr: "no original" } })), "no original");
});

test("the limit of what is compared is told in percent", () => {
  const told = numbers.notesOn([ready({ deviation: 0.3 })], CATALOGUE);
  assert.deepEqual(told, ["What misses the size by more than 10 % is not compared."]);
});

test("the head of a metric's column says what it measures", () => {
  const metric = { ...CATALOGUE.metrics[0], about: "What it is. Higher is better." };
  const column = numbers.columnsFor([], [metric]).find(({ head }) => head.startsWith(metric.label));
  assert.equal(column.title([]), "What it is. Higher is better.");
});
