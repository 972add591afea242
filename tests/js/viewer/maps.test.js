/** Which part of a picture a perceptual map is made of, and what is said of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { coarse, isFlip, isReduced, mapWords, stepped } from "../../../app/viewer/static/maps.js";

const LARGE = { width: 4001, height: 3000 };
const ALL = { x: 0, y: 0, ...LARGE };

test("what is in view is mapped pixel by pixel where that is not too much", () => {
  const view = { x: 701, y: 33, width: 480, height: 331 };
  assert.deepEqual(coarse(view, LARGE, 5), { every: 1, ...view });
  assert.deepEqual(stepped(view, LARGE, 1, 10), { x: 691, y: 23, width: 500, height: 351 });
  assert.deepEqual(stepped({ ...view, x: 4 }, LARGE, 1, 10), { x: 0, y: 23, width: 494, height: 351 });
});

test("larger views are made smaller, the more so the more maps there are, up to a limit in all", () => {
  for (const maps of [1, 2, 5, 11]) {
    const { every, ...region } = coarse(ALL, LARGE, maps);
    assert.ok((region.width * region.height) / every ** 2 <= Math.min(1.5e6, 3e6 / maps) * 1.001, `${maps}`);
    assert.ok(every > 1 && (ALL.width * ALL.height) / (every - 1) ** 2 > Math.min(1.5e6, 3e6 / maps));
    assert.deepEqual(region, ALL);
  }
});

test("smaller maps begin on whole steps, so that neighbouring ones fit together", () => {
  const part = stepped({ x: 1003, y: 502, width: 2000, height: 1500 }, LARGE, 4, 3);
  assert.deepEqual(part, { x: 988, y: 488, width: 2028, height: 1528 });
  assert.deepEqual(stepped({ x: 3000, y: 0, width: 1001, height: 9 }, LARGE, 4, 0), { x: 3000, y: 0, width: 1001, height: 12 });
});

test("captions say the mean, that it waits, that it is of a smaller copy, or why there is none", () => {
  const made = { mean: 0.12345, every: 1 };
  assert.equal(mapWords(made, "").mean, "0.123");
  assert.equal(mapWords(undefined, "").mean, "…");
  assert.equal(mapWords({ ...made, every: 3 }, "").mean, "0.123 at 1/3");
  assert.match(mapWords({ ...made, every: 3 }, "").title, /smaller copy, whose mean is somewhat lower: zoom in/);
  assert.deepEqual(mapWords(undefined, "no worker"), { mean: "–", title: "no worker" });
  assert.ok(isFlip({ mode: "diff", map: "flip" }) && !isFlip({ mode: "grid", map: "flip" }));
});

test("pixels are not called exact where maps are of a smaller copy", () => {
  const front = { picture: LARGE, frame: { width: 2400, height: 1500 } };
  const seen = { mode: "diff", map: "flip", panes: ["original", "jpeg"], cx: 0.5, cy: 0.5, scale: 1 };
  assert.ok(isReduced(seen, front));
  assert.ok(!isReduced({ ...seen, map: "difference" }, front));
  assert.ok(!isReduced({ ...seen, scale: 4 }, front));
});
