/** Files on their way in: photos are opened at once, a .mode file only when it has been decoded. */

/** @param {Viewer} viewer @param {FileKind} kind @param {File} file */
export async function takeFile(viewer, kind, file) {
  const { words } = viewer;
  if (kind === "table") return words.tell(`${file.name}: drop a table on the curves below`, true);
  words.tell(`Reading ${file.name}…`);
  const { key = "", error } = await viewer.exchange.send(kind, file);
  if (error) return words.tell(error, true);
  const name = file.name.replace(/\.[^.]*$/, "");
  if (kind === "photo") viewer.openPicture(key, name);
  else viewer.questions.trial.start(key, name);
}

/** A .mode file may be damaged: what is on the screen stays until the server has opened it. */
export class Trial {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.file = /** @type {{key: string, name: string} | null} */ (null);
    this.refused = ""; // why the last one was not opened, until what it interrupted is there
  }

  start(/** @type {string} */ key, /** @type {string} */ name) {
    this.viewer.questions.forget();
    this.file = { key, name };
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
    if (this.viewer.questions.busy) this.viewer.questions.ask();
    this.refused = `Not opened: ${words}`;
    this.viewer.words.tell(this.refused, true);
    return false;
  }
}
