import assert from "node:assert/strict";
import { test } from "node:test";
import * as states from "../../../app/viewer/static/state.js";
import { CATALOGUE } from "../catalogue.js";

const share = states.shareOf(CATALOGUE);
const read = (hash) => states.readLink(share, hash, CATALOGUE);

test("a link written by hand names the blend in one way only", () => {
  assert.equal(read("#panes=original,mode-f,mode-0.3").anchor, 0.3);
  assert.deepEqual(read("#panes=original,mode-f&anchor=0.7").panes, ["original", "mode-f", "mode-0.7"]);
  assert.deepEqual(read("#panes=original,webp&anchor=0").panes, ["original", "webp"]);
  assert.deepEqual(read("#anchor=0.5").panes, []);
  assert.equal(read("#panes=mode-x-0.25").anchor, 0.25);
});

test("links made before go on working", () => {
  const link = "#image=coffee&bpp=0.2&panes=original,mode-f,mode-0.35,mode-sq&pick=mode-sq";
  const state = read(link);
  assert.deepEqual(state.panes, ["original", "mode-f", "mode-0.35", "mode-sq"]);
  assert.deepEqual([state.image, state.bpp, state.anchor, state.pick], ["coffee", 0.2, 0.35, "mode-sq"]);
});

test("what makes no sense in a link is left at its start", () => {
  const state = read("#bpp=NaN&scale=-1&cx=1e999&gain=%00&panes=,,,&image=__proto__&mode={{bad}}");
  assert.deepEqual(state, { ...states.START, scale: 1 / 32 });
  assert.equal(read("#bpp=50").bpp, 8);
});

test("after a change, modes that need a pane by name have one that is there", () => {
  const state = states.changed(states.NOTHING, { panes: ["original", "jpeg", "webp"] });
  assert.deepEqual([state.pick, state.a, state.b, state.against], ["jpeg", "original", "jpeg", "original"]);
  const fewer = states.changed({ ...state, pick: "webp", b: "webp" }, { panes: ["jpeg", "original"] });
  assert.deepEqual([fewer.pick, fewer.a, fewer.b], ["original", "original", "jpeg"]);
});

test("nobody writes to a state", () => {
  const state = states.changed(states.NOTHING, { bpp: 0.2 });
  assert.throws(() => (state.bpp = 0.3), TypeError);
  assert.equal(states.NOTHING.bpp, 0.1);
});

test("each mode shows its panes", () => {
  const state = { ...states.NOTHING, panes: ["original", "jpeg", "webp"], pick: "webp", a: "jpeg", b: "gone" };
  const shown = (mode) => states.visiblePanes({ ...state, mode });
  assert.deepEqual(shown("grid"), state.panes);
  assert.deepEqual(shown("single"), ["webp"]);
  assert.deepEqual(shown("swipe"), ["jpeg", "original"]);
});
