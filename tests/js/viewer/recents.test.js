import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT, Recents } from "../../../app/viewer/static/recents.js";

const storage = (text = null) => ({
  text,
  getItem() {
    return this.text;
  },
  setItem(_, text) {
    this.text = text;
  },
});
const picture = (key, name = key) => ({ key, name, file: false });

test("the last pictures are kept, the newest first, and a reload finds them", () => {
  const tab = storage();
  const recents = new Recents(tab);
  for (let i = 0; i < KEPT + 2; i++) recents.add(picture(`k${i}`));
  const keys = [...Array(KEPT)].map((_, i) => `k${KEPT + 1 - i}`);
  assert.deepEqual(recents.list.map(({ key }) => key), keys);
  assert.deepEqual(new Recents(tab).list, recents.list);
});

test("what is known keeps its place, unless it comes under another name", () => {
  const recents = new Recents(storage());
  for (const key of ["a", "b"]) recents.add(picture(key));
  recents.add(picture("a"));
  recents.add(picture("a", ""));
  assert.deepEqual(recents.list.map(({ key }) => key), ["b", "a"]);
  recents.add(picture("a", "new"));
  assert.deepEqual(recents.list.map(({ name }) => name), ["new", "b"]);
  recents.drop("a");
  assert.equal(recents.get("a"), undefined);
});

test("a storage that is forbidden or holds something else keeps nobody from working", () => {
  for (const text of ["{", "{}", "[null, 1, {\"key\": 2}]", "null"]) assert.deepEqual(new Recents(storage(text)).list, []);
  const full = { getItem: () => null, setItem: () => { throw new Error("full"); } };
  for (const tab of [full, null]) {
    const recents = new Recents(tab);
    recents.add(picture("a"));
    assert.equal(recents.list.length, 1);
  }
});
