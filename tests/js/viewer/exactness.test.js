import assert from "node:assert/strict";
import { test } from "node:test";
import { exactness } from "../../../app/viewer/static/exactness.js";

const said = (scale, smooth = false, counted = true) => exactness(scale, smooth, counted).text;

test("exact pixels are claimed at whole factors alone, and smoothed ones nowhere but at 1:1", () => {
  assert.deepEqual([1, 2, 32].map((scale) => said(scale)), Array(3).fill("exact pixels ✓"));
  assert.equal(said(1, true), "exact pixels ✓");
  assert.deepEqual([said(2, true), said(1.5, true)], ["smoothed", "smoothed"]);
  assert.match(said(1.5), /exact colours, uneven/);
  assert.deepEqual([said(0.63), said(0.63, true)], ["scaled down", "scaled down"]);
});

test("a browser that does not count pixels is never exact", () => {
  for (const scale of [0.5, 1, 2]) assert.ok(!exactness(scale, false, false).exact);
  assert.ok(exactness(1, false, true).exact);
});
