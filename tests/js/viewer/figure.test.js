import assert from "node:assert/strict";
import { test } from "node:test";
import { OTHER, aboutFigure, cropsOf, inchesFrom, isShown, keptFrom, presetOf } from "../../../app/viewer/static/figure.js";
import { CATALOGUE } from "../catalogue.js";

const USUAL = CATALOGUE.figure.options;
const LIMITS = /** @type {[number, number]} */ (CATALOGUE.figure.width);

test("inches are typed with a point or a comma, within what figures can be", () => {
  assert.equal(inchesFrom(" 3.25 ", LIMITS), 3.25);
  assert.equal(inchesFrom("3,5 in", LIMITS), 3.5);
  assert.equal(inchesFrom('7"', LIMITS), 7);
  for (const wrong of ["", "1.9", "11", "1e1", "0x4", "three", "3.25 cm", "NaN", "-3"]) {
    assert.ok(Number.isNaN(inchesFrom(wrong, LIMITS)), wrong);
  }
});

test("a width is one of the common ones or another", () => {
  assert.equal(presetOf(3.25), "3.25");
  assert.equal(presetOf(3.3), OTHER);
});

test("what nobody chose is as usual", () => {
  assert.deepEqual(keptFrom("", CATALOGUE), { options: USUAL, without: [], crops: {} });
});

test("choices are kept as they were made", () => {
  const kept = {
    options: { width_in: 7.16, text_pt: 8, rows: 2, metrics: ["psnr"], of: "picture", whole: false },
    without: ["jpeg"],
    crops: { view: true, "pin 1": false },
  };
  assert.deepEqual(keptFrom(JSON.stringify(kept), CATALOGUE), kept);
});

test("what another program has written there is as usual", () => {
  const wrong = [
    "{", "1", "[]", "null", '{"options": 5, "without": 5, "crops": 5}',
    '{"options": null, "without": null, "crops": null}',
    '{"options": {"width_in": 99, "text_pt": 6, "rows": 3, "of": "all", "whole": 1}, "without": [1], "crops": {"a": 1}}',
  ];
  for (const text of wrong) {
    assert.deepEqual(keptFrom(text, CATALOGUE), { options: USUAL, without: [], crops: {} }, text);
  }
  assert.deepEqual(keptFrom('{"options": {"metrics": ["fid", "psnr", 5]}}', CATALOGUE).options.metrics, ["psnr"]);
});

test("pins are shown where there are any, and the view where not, unless somebody chose", () => {
  const none = { options: USUAL, without: [], crops: {} };
  const ids = (/** @type {number[][]} */ pins) => cropsOf(pins).map(({ id }) => id);
  assert.deepEqual(ids([]), ["view"]);
  assert.deepEqual(ids([[0, 0, 1], [1, 1, 2]]), ["view", "pin 1", "pin 2"]);
  assert.deepEqual(["view", "pin 1"].map((id) => isShown(none, id, true)), [false, true]);
  assert.equal(isShown(none, "view", false), true);
  const chosen = { ...none, crops: { view: true, "pin 1": false } };
  assert.deepEqual(["view", "pin 1", "pin 2"].map((id) => isShown(chosen, id, true)), [true, false, true]);
});

test("a preview tells its size in print and what may be changed", () => {
  const shown = { png: "", alt: "", inches: [3.25, 2.4], cell: 0.81, dpi: 400, hints: ["Zoom in."] };
  assert.equal(aboutFigure(shown), "3.25 × 2.40 in, cells 0.81 in wide. Zoom in.");
});
