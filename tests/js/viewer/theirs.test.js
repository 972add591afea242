import assert from "node:assert/strict";
import { test } from "node:test";
import { openPoint } from "../../../app/viewer/static/coding.js";

test("a point of theirs changes nothing in the viewer: its codec may be called as one of ours", () => {
  const told = /** @type {string[]} */ ([]);
  const viewer = new Proxy({}, { get: (_, name) => told.push(String(name)) });
  openPoint(viewer, { kind: "theirs", dataset: "kodak", codec: "elic", rate: "q1", image: "kodim01" });
  assert.deepEqual(told, []);
});
