/** Files on their way in: photos are opened at once, a .mode file only when it has been decoded. */

import { kindOf } from "../../shared/kinds.js";
import { KEPT } from "./recents.js";

const ENDPOINTS = { picture: "photo", other: "photo", file: "file" };

/** Open the first that can be; the others go into the menu, and what becomes of each is said.
 * @param {Viewer} viewer @param {File[]} files */
export async function takeFiles(viewer, files) {
  const { words } = viewer;
  const taken = /** @type {string[]} */ ([]);
  const left = files.slice(KEPT).map(({ name }) => `${name} (${KEPT} are the most at once)`);
  for (const file of files.slice(0, KEPT)) {
    if (!taken.length) words.tell(`Reading ${file.name}…`);
    const error = await takeFile(viewer, file, !taken.length);
    if (error) left.push(`${file.name} (${error})`);
    else taken.push(file.name);
  }
  if (!taken.length) return words.tell(refusal(files, left), true);
  if (files.length === 1) return;
  const rest = taken.slice(1);
  const told = [rest.length && `in the menu of pictures: ${rest.join(", ")}`, left.length && `not opened: ${left.join(", ")}`];
  words.note(`Shown: ${[taken[0], ...told].filter(Boolean).join("; ")}.`);
}

/** Why none of the files was opened. @param {File[]} files @param {string[]} left */
const refusal = (files, left) =>
  files.length === 1 ? left[0].replace(/ \((.*)\)$/s, ": $1") : `Not opened: ${left.join(", ")}`;

/** Send a file in, and show it or only name it in the menu; says why it is not taken.
 * @param {Viewer} viewer @param {File} file */
async function takeFile(viewer, file, shown = true) {
  const kind = kindOf(file);
  if (kind === "table") return "drop a table on the curves below";
  const { key = "", error } = await viewer.exchange.send(ENDPOINTS[kind], file);
  if (error) return error;
  const name = file.name.replace(/\.[^.]*$/, "");
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
