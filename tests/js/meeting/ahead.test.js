/** What comes next is asked for a few times, and not for what will never come. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ahead } from "../../../app/meeting/static/ahead.js";

/** How often one view is asked for, if every stream says this and ends. */
async function asked(told, context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let times = 0;
  globalThis.fetch = async () => {
    times += 1;
    return { json: async () => ({ event_id: "e" }) };
  };
  globalThis.EventSource = class {
    addEventListener(name, act) {
      if (name === "complete") setImmediate(() => act({ data: JSON.stringify([told]) }));
    }
    close() {}
  };
  const host = { root: "/", server: { cancel() {} } };
  const ahead = new Ahead({ questions: { busy: false }, exchange: { page: "p", host, address: (url) => url }, pictures: { load: async () => {} } });
  ahead.expect({ image: "coffee", panes: ["original", "jpeg"], bpp: 0.5 });
  for (let i = 0; i < 8; i++) {
    context.mock.timers.tick(60_000);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  }
  ahead.end();
  return times;
}

const panes = (...states) => ({ panes: states.map((state) => ({ state, url: "" })) });
const CASES = [
  ["whole", panes("ready", "ready"), 1],
  ["failed in one pane", panes("ready", "failed"), 1],
  ["refused", { error: "no such picture" }, 1],
  ["stopped before its end", panes("ready", "waiting"), 3],
  ["cut without a word", null, 3],
];
for (const [what, told, times] of CASES) {
  test(`a view that is ${what} is asked for ${times} times at most`, async (context) => {
    assert.equal(await asked(told, context), times);
  });
}
