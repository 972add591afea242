/** Who leads goes on leading, whatever single answers say. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Leading } from "../../../app/meeting/static/leading.js";
import { START } from "../../../app/viewer/static/state.js";

const kept = new Map();
let answers = [];
let sent = [];
globalThis.window = { sessionStorage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) } };
globalThis.addEventListener = () => {};
globalThis.fetch = async (_address, { body }) => {
  sent.push(JSON.parse(body).do);
  return { ok: true, json: async () => answers.shift() ?? { here: 0 } };
};
const locks = (request) => Object.defineProperty(globalThis, "navigator", { value: { locks: request && { request } }, configurable: true });

beforeEach(() => {
  kept.clear();
  [answers, sent] = [[], []];
  locks(async (_name, _how, work) => work({}));
});

function viewer() {
  return {
    watchers: new Set(),
    exchange: { address: (path) => path, host: { root: "/" }, send: async () => ({ meeting: "m", secret: "s" }) },
    state: { ...START, image: "coffee", panes: ["original"], file: null },
    seen: { ...START, image: "coffee", scale: 1 },
    share: { into: () => "#image=coffee" },
    stage: { front: () => ({ picture: { width: 9, height: 9 }, frame: { width: 9, height: 9 } }) },
    records: { list: () => [] },
  };
}

async function leads() {
  const leading = new Leading(viewer(), { ahead: {}, crops: [] }, () => {});
  await leading.open();
  return leading;
}

async function send(leading, answer) {
  answers = [answer];
  await leading.send();
}

test("a view that is refused is told in words, and signs go on", async () => {
  const leading = await leads();
  await send(leading, { error: "no such view" });
  assert.deepEqual([leading.led?.secret, leading.words], ["s", "no such view"]);
  assert.equal(kept.get("mode-lead"), "m s");
  await send(leading, { here: 2 });
  assert.deepEqual([sent, leading.here, leading.words], [["show", "sign"], 2, "no such view"]);
  await send(leading, { here: 2 });
  assert.deepEqual([sent.at(-1), leading.words], ["show", ""]);
  leading.forget("");
});

test("a meeting that another tab leads is not led here, nor left by this page", async () => {
  kept.set("mode-lead", "m s");
  locks(async () => {
    throw new DOMException("too late", "TimeoutError");
  });
  const leading = new Leading(viewer(), { ahead: {}, crops: [] }, () => {});
  assert.equal(leading.resume(), true);
  await new Promise(setImmediate);
  assert.equal(leading.led, null); // and so it sends no beacon when it goes
  assert.match(leading.words, /led from another tab/);
  assert.equal(kept.get("mode-lead"), "m s"); // for when that tab is closed
});

test("a tab holds its meeting as long as it leads, and leads where there are no locks", async () => {
  let held = 0;
  locks(async (_name, _how, work) => {
    held += 1;
    await work({});
    held -= 1;
  });
  const leading = await leads();
  assert.equal(held, 1);
  assert.equal(leading.resume("m"), true);
  assert.equal(held, 1); // the same meeting once more takes no second lock
  leading.forget("");
  await new Promise(setImmediate);
  assert.equal(held, 0);
  const refuse = async () => {
    throw new DOMException("not here", "SecurityError");
  };
  for (const none of [undefined, refuse]) {
    locks(none);
    const other = await leads();
    assert.equal(other.led?.meeting, "m");
    other.forget("");
  }
});

test("only a meeting that is over is forgotten", async () => {
  const leading = await leads();
  await send(leading, { error: "it is over", over: true });
  assert.deepEqual([leading.led, leading.words, kept.get("mode-lead")], [null, "it is over", ""]);
});
