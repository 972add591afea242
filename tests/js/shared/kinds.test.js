import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf } from "../../../app/shared/kinds.js";

test("a file is taken for what its name says, or else the browser", () => {
  const kind = (name, type = "") => kindOf({ name, type });
  assert.deepEqual(["a.MODE", "a.csv", "a.tsv", "a.jxl", "a"].map((name) => kind(name)), ["file", "table", "table", "picture", "other"]);
  assert.equal(kind("photo", "image/png"), "picture");
  assert.deepEqual(["a.PNG", "a.jpeg", "a.avif", "a.bin"].map((name) => kind(name, "application/octet-stream")), ["picture", "picture", "picture", "other"]);
  assert.equal(kind("all.ZIP", "application/zip"), "archive");
  assert.equal(kind("table.csv", "application/vnd.ms-excel"), "table");
});
