/** The difference view, pixel by pixel. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../../../app/viewer/static/difference.js";

const A = Uint8ClampedArray.of(10, 100, 200, 255), B = Uint8ClampedArray.of(13, 90, 200, 0);

test("the size of each difference is amplified from black up, and nothing is transparent", () => {
  assert.deepEqual([...difference(A, B, 4, false)], [12, 40, 0, 255]);
  assert.deepEqual([...difference(A, B, 100, false)], [255, 255, 0, 255]);
});

test("with its sign it lies around grey: brighter above, darker below", () => {
  assert.deepEqual([...difference(A, B, 4, true)], [140, 88, 128, 255]);
});
