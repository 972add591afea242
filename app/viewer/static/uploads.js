/** Files on their way in: photos are opened at once, a .mode file only when it has been decoded. */

import { kindOf } from "../../shared/kinds.js";
import { belongTogether, likelyOriginal, namesOf } from "./opened.js";
import { KEPT } from "./recents.js";

/** @typedef {import("./beside.js").Taken & {file: string, kind: string, error?: string}} Came */

const MOST = 39;
const ENDPOINTS = { picture: "photo", other: "photo", file: "file" };

/** Open what came: what belongs together as that; else the first of it, or all of it as panes.
 * @param {Viewer} viewer @param {File[]} files @param {boolean} asPanes the visitor wants panes, and is not asked */
export async function takeFiles(viewer, files, asPanes = false) {
  const { words, beside } = viewer;
  words.note(""); // what was wrong with earlier files is not wrong with these
  if (belongTogether(files)) return beside.collect(files);
  const came = /** @type {Came[]} */ ([]);
  const left = files.slice(MOST).map(({ name }) => `${name} (${MOST} are the most at once)`);
  const names = namesOf(files);
  for (const [at, file] of files.slice(0, MOST).entries()) {
    if (!came.length) words.tell(`Reading ${file.name}…`);
    const one = await sent(viewer, file, names[at]);
    if (one.error) left.push(`${file.name} (${one.error})`);
    else came.push(one);
  }
  const taken = came.filter(({ kind }) => kind !== "file");
  const role = taken.length ? await beside.roleOf(taken, asPanes) : "originals";
  if (role === "panes") return showPanes(viewer, taken, left);
  if (role === "first") return showFirst(viewer, taken, left);
  if (role === "originals") showAll(viewer, files, came, left);
}

/** All of them beside what is open. @param {Viewer} viewer @param {Came[]} taken @param {string[]} left */
async function showPanes(viewer, taken, left) {
  const { panes, said } = await viewer.beside.panesOf(viewer.state.image, taken);
  viewer.beside.add(panes, [...said, ...left]);
}

/** One of them as the original, the others beside it. @param {Viewer} viewer @param {Came[]} taken @param {string[]} left */
async function showFirst(viewer, taken, left) {
  const name = likelyOriginal(taken.map((one) => one.name));
  const original = taken.find((one) => one.name === name) ?? taken[0];
  const { panes, said } = await viewer.beside.panesOf(original.key, taken.filter((one) => one !== original));
  viewer.recents.add({ key: original.key, name, file: false });
  viewer.openPicture(original.key, name, panes, [...said, ...left].join("; "));
}

/** The first is opened; the others go into the menu, and what becomes of each is said.
 * @param {Viewer} viewer @param {File[]} files @param {Came[]} came @param {string[]} left */
function showAll(viewer, files, came, left) {
  const { words } = viewer;
  came.slice(KEPT).forEach(({ file }) => left.push(`${file} (${KEPT} are the most at once)`));
  came.splice(KEPT);
  came.forEach((one, at) => show(viewer, one, !at));
  const taken = came.map(({ file }) => file);
  if (!taken.length) return words.tell(refusal(files, left), true);
  if (files.length === 1) return;
  const rest = taken.slice(1);
  const told = [rest.length && `in the menu of pictures: ${rest.join(", ")}`, left.length && `not opened: ${left.join(", ")}`];
  words.note(`Shown: ${[taken[0], ...told].filter(Boolean).join("; ")}.`);
}

/** Why none of the files was opened. @param {File[]} files @param {string[]} left */
const refusal = (files, left) =>
  files.length === 1 ? left[0].replace(/ \((.*)\)$/s, ": $1") : `Not opened: ${left.join(", ")}`;

/** Send a file in; says why it is not taken. @param {Viewer} viewer @param {File} file @param {string} name @returns {Promise<Came>} */
async function sent(viewer, file, name) {
  const kind = kindOf(file);
  const facts = { file: file.name, name, kind, key: "", width: 0, height: 0 };
  if (kind === "table" || kind === "archive") return { ...facts, error: "drop a table on the curves below" };
  return { ...facts, ...(await viewer.exchange.send(ENDPOINTS[kind], file)) };
}

/** Show what came, or only name it in the menu. @param {Viewer} viewer @param {Came} came @param {boolean} shown */
function show(viewer, { key, name, kind }, shown) {
  if (kind !== "file" || !shown) viewer.recents.add({ key, name, file: kind === "file" });
  if (!shown) viewer.render();
  else if (kind === "file") viewer.questions.trial.start(key, name);
  else viewer.openPicture(key, name);
}

/** A .mode file may be damaged: what is on the screen stays until the server has opened it. */
export class Trial {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.file = /** @type {{key: string, name: string} | null} */ (null);
    this.interrupts = false; // an unanswered question, which is asked again if the file cannot be opened
    this.refused = ""; // why the last one was not opened, until what it interrupted is there
  }

  start(/** @type {string} */ key, /** @type {string} */ name) {
    const { questions } = this.viewer;
    questions.forget();
    this.file = { key, name };
    this.interrupts = questions.busy;
    questions.begin();
    this.viewer.words.tell("Decoding…");
    this.viewer.exchange.ask("open", { key, panes: [] });
  }

  end() {
    this.file = null;
    this.refused = "";
  }

  /** Whether an answer is for the viewer: one that opens the file is, and all of other questions. */
  lets(/** @type {Answer} */ value) {
    const { viewer, file } = this;
    if (!file) return true;
    if (value.error) return this.refuse(value.error);
    if (value.done) {
      this.file = null;
      viewer.replace(file.key, file.name, [], file.key);
    } else viewer.words.tellProgress(value);
    return value.done;
  }

  /** Say why, and ask again for what the file has interrupted. @param {string} words */
  refuse(words) {
    this.file = null;
    this.viewer.exchange.forget(); // Gradio hands out the last answer twice
    if (this.interrupts) this.viewer.questions.ask();
    else this.viewer.questions.end();
    this.refused = `Not opened: ${words}`;
    this.viewer.words.tell(this.refused, true);
    return false;
  }
}
