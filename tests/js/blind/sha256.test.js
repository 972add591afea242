/** The hash of sealed answers, held against that of Node. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256 } from "../../../app/shared/sha256.js";

test("it is SHA-256, at every length around a block and beyond ASCII", () => {
  const texts = [...Array(130).keys()].map((length) => "a".repeat(length));
  for (const text of [...texts, "é😀".repeat(999)]) {
    assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"));
  }
});
