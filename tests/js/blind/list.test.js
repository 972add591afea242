/** Candidates and pictures of a test that is being made. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { atTheirRates, needsAcross, panesIn, picturesFor } from "../../../app/blind/static/list.js";

const OPENED = `opened-${"0".repeat(32)}`;

test("panes are read between commas, spaces and lines, each once", () => {
  assert.deepEqual(panesIn(" elic@0.1, dlf;\nelic@0.1 "), ["elic@0.1", "dlf"]);
  assert.deepEqual(panesIn(""), []);
});

test("a pane at the common rate is the same as one that names it", () => {
  assert.deepEqual(atTheirRates(["elic", "elic@0.1", "dlf@0.02", OPENED], 0.1), ["elic@0.1", "dlf@0.02", OPENED]);
});

test("rates are mixed only where somebody would have no partner", () => {
  assert.equal(needsAcross(["elic", "dlf"], 0.1), false);
  assert.equal(needsAcross(["elic", "dlf", "jpeg@0.2"], 0.1), true);
  assert.equal(needsAcross(["elic", "dlf", "jpeg@0.2", "webp@0.2"], 0.1), false);
  assert.equal(needsAcross(["elic", OPENED], 0.1), false);
});

test("the picture on the screen comes first, with the visitor's pins, and .mode files never", () => {
  const samples = [
    { id: "coffee", title: "Coffee", spots: [["spoon", 0.1, 0.2, 3]] },
    { id: "pictures/kodim01.png", title: "Kodim01", spots: [] },
  ];
  const recents = [{ key: "k1", name: "mine.png", file: false }, { key: "k2", name: "a.mode", file: true }];
  const shown = picturesFor({ id: "coffee", name: "", spots: [[0.5, 0.5, 2]] }, samples, recents);
  assert.deepEqual(shown.map(({ id, name }) => [id, name]), [["coffee", "coffee"], ["pictures/kodim01.png", "kodim01.png"], ["k1", "mine.png"]]);
  assert.deepEqual(shown[0].spots, [[0.5, 0.5, 2]]);
  const [own] = picturesFor({ id: "k3", name: "new.png", spots: [] }, samples, recents);
  assert.deepEqual([own.title, own.name], ["new.png", "new.png"]);
});
