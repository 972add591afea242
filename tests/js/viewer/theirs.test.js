import assert from "node:assert/strict";
import { test } from "node:test";
import { openPoint } from "../../../app/viewer/static/coding.js";

test("a point of theirs opens what they decoded, though its codec may be called as one of ours", () => {
  const asked = /** @type {unknown[]} */ ([]);
  const viewer = { beside: { point: (/** @type {string[]} */ point) => asked.push(point) } };
  openPoint(/** @type {any} */ (viewer), /** @type {any} */ ({ kind: "theirs", dataset: "kodak", codec: "elic", rate: "q1" }));
  assert.deepEqual(asked, [["kodak", "elic", "q1"]]);
});

test("a point that stands in a pane is that pane, and nothing is coded anew", () => {
  const changes = /** @type {unknown[]} */ ([]);
  const pane = { id: "jpeg@0.6", codec: "jpeg", anchor: "", bpp: 0.602 };
  const viewer = {
    state: { image: "cat", panes: ["jpeg", "jpeg@0.6"] },
    records: { list: () => [{ ...pane, id: "jpeg", bpp: 0.3 }, pane] },
    set: (/** @type {unknown} */ change) => changes.push(change),
    root: { scrollIntoView: () => {} },
  };
  openPoint(/** @type {any} */ (viewer), /** @type {any} */ ({ image: "cat", codec: "jpeg", anchor: "", bpp: 0.602 }));
  assert.deepEqual(changes, [{ pick: "jpeg@0.6" }]);
});
