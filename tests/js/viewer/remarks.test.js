import assert from "node:assert/strict";
import { test } from "node:test";
import { Beside } from "../../../app/viewer/static/beside.js";
import { takeFiles } from "../../../app/viewer/static/uploads.js";
import { Words } from "../../../app/viewer/static/words.js";

class Stub {
  textContent = "";
  classList = { toggle() {} };
}
globalThis.HTMLElement = /** @type {any} */ (Stub);
const element = () => new Stub();
const NOTE = "Not all of it: there are 2 files sizes.csv.";

/** A viewer whose server refuses all that it gets, and which has said something of earlier files. */
function refusing() {
  const status = element();
  const root = { querySelector: (/** @type {string} */ name) => (name === ".status" ? status : element()) };
  const words = new Words(/** @type {any} */ (root));
  words.note(NOTE);
  const state = { image: "a", file: "", name: "", size: null, panes: [] };
  const exchange = { send: async () => ({ error: "it is damaged" }) };
  const viewer = /** @type {any} */ ({ root, words, state, exchange, render() {}, sample() {} });
  viewer.beside = new Beside(viewer);
  return { viewer, status };
}

for (const name of ["bad.zip", "bad.png"])
  test(`what was wrong with earlier files is not said of ${name}`, async () => {
    const { viewer, status } = refusing();
    await takeFiles(viewer, [new File([], name)]);
    assert.match(status.textContent, /it is damaged$/);
  });

test("what is told and what else there is to say are two sentences", () => {
  const { viewer: { words }, status } = refusing();
  const told = (text) => (words.tell(text), status.textContent);
  assert.equal(told("Busy, position 1: others come first"), `Busy, position 1: others come first. ${NOTE}`);
  for (const text of ["Coding at 0.1 bpp…", "Cancelled."]) assert.equal(told(text), `${text} ${NOTE}`);
  assert.equal(told(""), NOTE);
  words.note("");
  assert.equal(told("it is damaged"), "it is damaged");
});

test("nor of an image of the menu that cannot be opened", async () => {
  const { viewer, status } = refusing();
  await viewer.beside.look({ key: "k" }, { name: "b", original: true });
  assert.equal(status.textContent, "it is damaged");
});
