import assert from "node:assert/strict";
import { test } from "node:test";
import * as blends from "../../../app/viewer/static/blends.js";
import { CATALOGUE } from "../catalogue.js";

const moved = (panes, anchor) => blends.withBlends(panes, anchor, CATALOGUE);

test("between the ends of the anchor there is one more pane, at an end there is none", () => {
  const panes = ["original", "mode-f", "mode-p", "elic"];
  const between = ["original", "mode-f", "mode-p", "mode-0.35", "elic"];
  assert.deepEqual(moved(panes, 0.35), between);
  assert.deepEqual(moved(between, 0.4)[3], "mode-0.4");
  assert.deepEqual(moved(between, 1), panes);
});

test("each codec that is shown gets its own blend", () => {
  const panes = moved(["mode-f", "elic", "mode-x-f"], 0.5);
  assert.deepEqual(panes, ["mode-f", "mode-0.5", "elic", "mode-x-f", "mode-x-0.5"]);
  assert.deepEqual(moved(["original", "mode-x-p"], 0.5), ["original", "mode-x-p", "mode-x-0.5"]);
  assert.deepEqual(moved(["original", "elic"], 0.5), ["original", "elic", "mode-0.5"]);
});

test("there are never more panes than the server allows", () => {
  const many = [...Array(12)].map((_, i) => `codec${i}`);
  assert.equal(moved(many, 0.5).length, 12);
});

test("a point of the plot names its pane", () => {
  const named = (codec, anchor) => blends.paneOf(codec, anchor, CATALOGUE);
  assert.equal(named("mode", "fidelity"), "mode-f");
  assert.equal(named("mode", "0.5"), "mode-0.5");
  assert.equal(named("mode", "sq-expert"), "mode-sq");
  assert.equal(named("mode-x", "perception"), "mode-x-p");
  assert.equal(named("elic", ""), "elic");
  assert.equal(named("ms-illm.public", ""), "ms-illm.public");
});

test("a blend that no choice names has a label all the same", () => {
  assert.equal(blends.blendLabel("mode-0.35", CATALOGUE.blends), "MoDE 0.35");
  assert.equal(blends.blendLabel("mode-x-0.5", CATALOGUE.blends), "Twin 0.5");
  assert.equal(blends.blendLabel("vvc", CATALOGUE.blends), "vvc");
});

test("what the server chose is shown with the blend that an address asks for", () => {
  const ids = ["original", "mode-f", "mode-p"];
  assert.equal(blends.chosenBeside(ids, 1, CATALOGUE), ids);
  assert.deepEqual(blends.chosenBeside(ids, 0.5, CATALOGUE), [...ids, "mode-0.5"]);
  assert.deepEqual(blends.chosenBeside(["jpeg"], 0.5, CATALOGUE), ["jpeg"]);
});
