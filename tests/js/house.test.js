/** Rules of the house that can be read from the source. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";

const APP = new URL("../../app/", import.meta.url);
const FILES = readdirSync(APP, { recursive: true }).filter((name) => name.endsWith(".js"));
const MOST_METHODS = 25;
const MOST_LINES = 300;

/** [class, number of its methods, constructor and accessors among them] of a source text. */
function classesOf(text) {
  const found = [];
  const look = (node) => {
    if (ts.isClassLike(node)) {
      const methods = node.members.filter((one) => one.body || ts.isFunctionLike(one.initializer ?? one));
      found.push([node.name?.text, methods.length]);
    }
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile("text.js", text, ts.ScriptTarget.Latest));
  return found;
}

test("methods are counted, those that are written as fields as well", () => {
  const text = "class A { constructor() {} f() {} get g() { return 1 } h = () => 1; size = 3 }";
  assert.deepEqual(classesOf(text), [["A", 4]]);
});

test("no class is larger than one can keep in mind, and no file", () => {
  const sources = FILES.map((name) => [name, readFileSync(new URL(name, APP), "utf8")]);
  const classes = sources.flatMap(([, text]) => classesOf(text));
  assert.ok(classes.length > 5);
  assert.deepEqual(classes.filter(([, count]) => count > MOST_METHODS), []);
  assert.deepEqual(sources.filter(([, text]) => text.split("\n").length > MOST_LINES + 1), []);
});
