import assert from "node:assert/strict";
import { test } from "node:test";
import * as crops from "../../../app/meeting/static/crops.js";
import { START, shareOf } from "../../../app/viewer/static/state.js";
import { CATALOGUE, randomFrom } from "../catalogue.js";

const share = shareOf(CATALOGUE);
const crop = (i, more = {}) => ({ name: `crop ${i}`, note: "", view: `bpp=0.2&cx=${(511 + i) / 1000}&image=coffee&panes=original,mode-f&scale=4`, ...more });
const list = (count) => Array.from({ length: count }, (_, i) => crop(i));

test("a list comes back whole from its file and from its link", async () => {
  const all = list(10).map((one, i) => ({ ...one, note: i % 2 ? "Ähren, “grün” & <b>" : "" }));
  assert.deepEqual(crops.fromFile(crops.toFile(all), share), { crops: all, words: "" });
  const { packed, words } = await crops.toLink(all);
  assert.equal(words, "");
  assert.match(packed, /^[\w-]{20,600}$/);
  assert.deepEqual(await crops.fromLink(packed, share), { crops: all, words: "" });
});

test("a view holds what is on the screen, and nothing that is everybody's own", () => {
  const state = { ...START, image: "coffee", bpp: 0.2, scale: 4, pins: [[0.5, 0.5, 2]], captions: false, minimap: false };
  const view = crops.viewOf(state, share);
  assert.equal(view, "bpp=0.2&image=coffee&scale=4");
  const mine = { ...START, pins: [[0.1, 0.2, 1]], minimap: false };
  const shown = share.read(crops.hashOf(view, mine, share));
  assert.deepEqual(shown, { ...START, image: "coffee", bpp: 0.2, scale: 4, pins: mine.pins, minimap: false });
});

test("of a hostile crop only lines of text and what a link may say are left", () => {
  const evil = { name: ` a\u0000\n\u202eb${"x".repeat(99)}`, note: { toString: () => "x" }, view: "image=coffee&panes=<img>,original&mode={{bad}}&evil=1&pins=0.1~0.2~1" };
  const { name, note, view } = crops.cropOf(evil, share);
  assert.equal(name, `a b${"x".repeat(57)}`);
  assert.equal(note, "");
  assert.equal(view, "image=coffee&panes=original");
  for (const given of [null, 5, {}, { view: 5 }, { view: "" }, { view: "image=__proto__" }, { view: `image=coffee&a=${"a".repeat(2000)}` }]) {
    assert.equal(crops.cropOf(given, share), null);
  }
});

test("a title is cut between characters, never within one", () => {
  const { name } = crops.cropOf({ ...crop(1), name: `${"x".repeat(59)}🦆🦆` }, share);
  assert.equal(name, `${"x".repeat(59)}🦆`);
});

const REFUSED = [
  ["", /no list of crops/],
  ["{", /no list of crops/],
  ["[1]", /no list of crops/],
  ["null", /no list of crops/],
  ['{"crops": []}', /no list of crops/],
  ['{"mode-crops": 1, "crops": {}}', /no list of crops/],
  ['{"mode-crops": 2, "crops": []}', /newer version/],
  ['{"mode-crops": 1, "crops": [1, null]}', /no crop in this list/],
  [" ".repeat(crops.MOST_BYTES + 1), /too long/],
];
test("a file that is no list is refused with a sentence", () => {
  for (const [text, words] of REFUSED) {
    const read = crops.fromFile(text, share);
    assert.deepEqual(read.crops, []);
    assert.match(read.words, words, text.slice(0, 40));
  }
});

test("what makes no sense in a list, or is too many, is left out, and told", () => {
  const some = crops.fromFile(JSON.stringify({ "mode-crops": 1, crops: [crop(1), crop(1), 5, crop(2)] }), share);
  assert.deepEqual([some.crops.length, some.words.slice(0, 8)], [3, "1 of 4 c"]); // one may come back to a crop
  const many = Array.from({ length: 60 }, (_, i) => crop(0, { view: `image=coffee&scale=${1 + i / 10}` }));
  const read = crops.fromFile(JSON.stringify({ "mode-crops": 1, crops: many }), share);
  assert.deepEqual([read.crops.length, read.words.slice(0, 11)], [crops.MOST, "20 of 60 cr"]);
});

test("a damaged link is refused, and one that would unpack to very much", async () => {
  const { packed } = await crops.toLink(list(3));
  const bomb = new Uint8Array(await new Response(new Blob(["[1,".padEnd(50e6, " ")]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer());
  const packedBomb = Buffer.from(bomb).toString("base64url").slice(0, crops.LONGEST_LINK);
  for (const link of ["", "%%", "abc", packed.slice(0, -5), packed.replace(/^.../, "AAA"), packedBomb, "a".repeat(9000)]) {
    const read = await crops.fromLink(link, share);
    assert.deepEqual(read.crops, []);
    assert.match(read.words, /damaged, or was cut off/, link.slice(0, 30));
  }
});

test("a link that would be too long is not made, and says how long it would be", async () => {
  const random = randomFrom(7);
  const noise = () => Array.from({ length: 160 }, () => String.fromCharCode(0x4e00 + Math.floor(random() * 20000))).join("");
  const { packed, words } = await crops.toLink(list(40).map((one) => ({ ...one, note: noise() })));
  assert.equal(packed, "");
  assert.match(words, /would have [\d,]+ characters, and 8000 are the most/);
});

test("crops are added at the end, and no more than there is room for", () => {
  assert.deepEqual(crops.added([crop(1)], [crop(2)]), { crops: [crop(1), crop(2)], words: "" });
  assert.deepEqual(crops.missing([crop(1)], [crop(1, { note: "x" }), crop(2)]), [crop(2)]);
  const many = Array.from({ length: 50 }, (_, i) => crop(0, { view: `image=coffee&bpp=${1 + i / 10}` }));
  const full = crops.added([], many);
  assert.deepEqual([full.crops.length, full.words], [40, "40 crops are the most; 10 left out"]);
});

test("a crop that is moved takes its place, and who stands at one stays there", () => {
  const all = list(5);
  for (let from = 0; from < 5; from++) {
    for (let to = 0; to < 5; to++) {
      const after = crops.moved(all, from, to);
      assert.equal(after[to], all[from]);
      for (let at = 0; at < 5; at++) assert.equal(after[crops.placeAfter(at, from, to)], all[at], `${at}: ${from} to ${to}`);
    }
  }
});

test("a crop is changed in one thing, and stays whole", () => {
  const [one] = crops.changedAt([crop(1)], 0, { name: "face\n", view: "image=" }, share);
  assert.deepEqual(one, crop(1));
  assert.equal(crops.changedAt([crop(1)], 0, { name: "face\n" }, share)[0].name, "face");
});
