/** The user's own tables beside the plot: what is added, what the server found in it, what is removed. */

import { onFiles } from "../../shared/dom.js";
import { kindOf } from "../../shared/kinds.js";
import { tell } from "../../shared/messages.js";
import { fillFiles } from "./tables.js";

export class Files {
  constructor(/** @type {Explorer} */ explorer) {
    this.explorer = explorer;
    this.sent = /** @type {UserFile[]} */ ([]);
    this.input = explorer.part("file", HTMLInputElement);
    onFiles(this.input, explorer.root, "rd-drop", (files) => this.sort(files));
  }

  /** Pictures have no curves: they are opened in the viewer. @param {File[]} files */
  sort(files) {
    const isPicture = (/** @type {File} */ file) => ["picture", "file"].includes(kindOf(file));
    const pictures = files.filter(isPicture);
    if (pictures.length) {
      tell("mode:take-files", { files: pictures });
      this.explorer.say(`Opened in the viewer: ${pictures.map(({ name }) => name).join(", ")}`);
    }
    return this.add(files.filter((file) => !isPicture(file)));
  }

  /** New files, shown where their curves are; refused ones have been told of and make room. */
  async add(/** @type {File[]} */ files) {
    const { explorer } = this;
    const { limits } = explorer;
    const added = /** @type {UserFile[]} */ ([]);
    for (const file of files.slice(0, limits.files)) {
      // Of a file that is too large the server needs only the size to say so.
      const text = file.size > limits.file_bytes ? "" : await file.text();
      added.push({ name: file.name, size: file.size, text });
    }
    if (!added.length) return;
    this.sent = [...this.sent.filter(({ error }) => !error), ...added];
    await explorer.refresh();
    const reports = () => explorer.answer?.files.slice(-added.length) ?? [];
    const readable = reports().filter(({ error }) => !error);
    const away = readable.at(-1)?.elsewhere;
    if (away && readable.every(({ elsewhere }) => elsewhere)) await explorer.ask(away);
    const told = reports().map(({ name, error, summary }) => `${name}: ${error || summary}`);
    const rest = files.slice(limits.files).map(({ name }) => name);
    if (rest.length) told.push(`left out, ${limits.files} are the most at once: ${rest.join(", ")}`);
    if (told.length) explorer.say(told.join("; "));
  }

  /** What the server found; errors are announced when they come, not again with every view. */
  show(/** @type {FileReport[]} */ reports) {
    reports.forEach(({ error }, i) => (this.sent[i].error = error));
    fillFiles(this.explorer.part("files"), reports, (i) => this.remove(i));
  }

  async remove(/** @type {number} */ i) {
    const [{ name }] = this.sent.splice(i, 1);
    await this.explorer.refresh();
    this.input.focus();
    this.explorer.say(`${name} is removed.`);
  }
}
