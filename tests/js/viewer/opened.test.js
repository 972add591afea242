import assert from "node:assert/strict";
import { test } from "node:test";
import { isKnown } from "../../../app/viewer/static/blends.js";
import * as numbers from "../../../app/viewer/static/numbers.js";
import * as opened from "../../../app/viewer/static/opened.js";
import { readLink, remarkOn, shareOf } from "../../../app/viewer/static/state.js";
import { CATALOGUE } from "../catalogue.js";

const PANE = `opened-${"0a".repeat(16)}`;
const files = (...names) => names.map((name) => ({ name, type: "" }));

test("a size is written with or without a unit", () => {
  const sizes = { 12345: 12345, "12,345": 12345, "4\u202f971 B": 4971, "12.3 kB": 12300, "12,5 KB": 12500, "1.5MB": 1500000, "2 KiB": 2048, "7 bytes": 7 };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(opened.bytesFrom(text), bytes, text);
  assert.equal(opened.bytesFrom("  "), null);
  for (const text of ["kB", "12.5", "1,2", "-3", "0", "1e9", "0x10", "12 apples", "1.2.3 kB"]) assert.ok(Number.isNaN(opened.bytesFrom(text)), text);
});

test("a link may name a picture that was made elsewhere, and only by its whole key", () => {
  assert.ok(isKnown(PANE, CATALOGUE));
  assert.ok(!isKnown(PANE.slice(0, -1), CATALOGUE) && !isKnown(`${PANE}0`, CATALOGUE) && !isKnown("opened-x", CATALOGUE));
  const hash = `#panes=original,${PANE}`;
  assert.deepEqual(readLink(shareOf(CATALOGUE), hash, CATALOGUE).panes, ["original", PANE]);
  assert.equal(remarkOn(hash, CATALOGUE), "");
});

test("files belong together where one says something of another", () => {
  const together = (...names) => opened.belongTogether(files(...names));
  assert.ok(together("all.zip") && together("a.png", "sizes.csv") && together("a.png", "a.bin"));
  assert.ok(together("a.png", "a.jpg", "a.bin") && together("a.jpg", "a.mode") && together("A.PNG", "a.bin"));
  assert.ok(!together("photo.png", "photo.jpg") && !together("a.bin", "a.dat", "b.png"), "two pictures of one name are two pictures");
  assert.ok(!together("a.png") && !together("a.png", "b.png") && !together("a.png", "c.csv") && !together("sizes.csv", "b.csv"));
});

test("a name goes without its ending, unless only that tells it from another", () => {
  assert.deepEqual(opened.namesOf(files("photo.png", "photo.jpg", "other.x.png")), ["photo.png", "photo.jpg", "other.x"]);
});

test("what the server has lost takes its place again, by its key or its name", () => {
  const [first, second, third] = "abc".split("").map((letter) => `opened-${letter.repeat(32)}`);
  const lost = (id, label) => ({ id, label, state: "failed" });
  const ready = { id: third, label: "vvc", state: "ready" };
  const facts = (id, label) => ({ id, label, bytes_text: "" });
  const back = (records, more) => [...opened.restored(records, more)].map(([id, one]) => [id, one.id]);
  assert.deepEqual(back([lost(first, "elic")], [facts(first, "elic")]), [[first, first]]);
  assert.deepEqual(back([lost(first, "elic")], [facts(second, "elic")]), [[first, second]]);
  assert.deepEqual(back([lost(first, "elic"), ready], [facts(third, "elic"), facts(second, "vvc")]), [], "what is there stays");
  assert.deepEqual(back([lost(first, "elic")], [facts(second, "elic"), facts(third, "elic")]), [[first, second]], "one place is taken once");
  assert.deepEqual(back([lost("elic", "elic")], [facts(second, "elic")]), [], "a codec comes back by itself");
});

test("the likely original says so, or begins the names of the others", () => {
  assert.equal(opened.likelyOriginal(["x_vvc", "original"]), "original");
  assert.equal(opened.likelyOriginal(["kodim01_vvc", "kodim01", "kodim01-elic"]), "kodim01");
  assert.equal(opened.likelyOriginal(["b", "a"]), "b");
  assert.equal(opened.likelyOriginal(["kodim01x", "kodim01"]), "kodim01x");
});

test("one more coded pane pushes out the first, and never the original or what was opened", () => {
  const limits = { panes: 4, coded: 2 };
  assert.deepEqual(opened.withCoded(["original", PANE, "a"], "b", limits), ["original", PANE, "a", "b"]);
  assert.deepEqual(opened.withCoded(["original", PANE, "a", "b"], "c", limits), ["original", PANE, "b", "c"]);
  assert.deepEqual(opened.withCoded(["original", "a"], "a", limits), ["original", "a"]);
});

test("what has no known size does not compete, and the table says that it is unknown", () => {
  const record = { id: PANE, state: "ready", opened: true, bpp: null, bytes: null, deviation: null, metrics: { psnr: 40 } };
  assert.ok(!numbers.competing(0.1)(record));
  assert.ok(numbers.competing(0.1)({ ...record, bpp: 0.1, deviation: 0 }));
  const ours = { id: "jpeg", state: "ready", bpp: 0.1, bytes: 100, deviation: 0, metrics: { psnr: 30 } };
  const [bytes, bpp] = numbers.columnsFor([ours, record], []);
  assert.deepEqual([bytes.text(null, record), bpp.text(null, record)], ["unknown", "–"]);
  assert.deepEqual(numbers.notesOn([ours, record], CATALOGUE), ["What has no known size is not compared."]);
});
