/** What visitors' pictures are: originals, or panes beside one. Where that is not clear, they are asked. */

import { find } from "../../shared/dom.js";
import { counted } from "../../shared/phrases.js";
import { OPENED, isCoded, isOpened, keyOf, likelyOriginal, restored, tooManyCoded } from "./opened.js";

/** @typedef {{key: string, name: string, width: number, height: number}} Taken a picture that the server has */
/** @typedef {{key: string, name: string, images: ImageFacts[]}} Collection */

const alike = (/** @type {Size} */ one, /** @type {Size} */ other) =>
  one.width === other.width && one.height === other.height;

export class Beside {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.root = find(viewer.root, ".beside");
    this.collections = /** @type {Collection[]} */ ([]);
    this.kept = /** @type {Map<string, string[]>} */ (new Map()); // panes of originals that were open before
    this.answer = (/** @type {string} */ _) => {};
    this.image = ""; // that was on the screen when it was asked
    this.resizing = Promise.resolve();
    this.renamed = /** @type {Map<string, string>} */ (new Map());
  }

  /** What becomes of pictures that came at once: `panes` of what is open, `first` of one of them, or
   * `originals`; clear from their sizes, or asked. @param {Taken[]} taken @param {boolean} wished as panes */
  async roleOf(taken, wished) {
    const { state } = this.viewer;
    const open = Boolean(state.size && !state.file);
    const again = taken.some(({ key }) => key === state.image);
    const fit = open && !again && taken.some((one) => alike(one, /** @type {Size} */ (state.size)));
    if (wished) return open ? "panes" : "originals";
    const several = taken.length > 1 && taken.every((one) => alike(one, taken[0]));
    return fit || several ? this.ask(taken, fit, several) : "originals";
  }

  /** @param {Taken[]} taken @param {boolean} fit @param {boolean} several @returns {Promise<string>} */
  ask(taken, fit, several) {
    const { viewer, root } = this;
    this.answer(""); // whoever was asked before is not waited for
    this.image = viewer.state.image;
    const { width, height } = taken[0];
    const what = several ? `${counted(taken.length, "picture")} of ${width} × ${height}` : `“${taken[0].name}”`;
    find(root, ".beside-what").textContent = `Open ${what}`;
    this.button("panes", `beside “${this.nameOfOriginal()}”, as ${several ? "panes" : "a pane"}`, fit);
    this.button("first", `“${likelyOriginal(taken.map(({ name }) => name))}”, and the others as its panes`, several);
    this.button("originals", several ? "as new originals" : "as a new original", true);
    root.hidden = false;
    find(root, "button:not([hidden])").focus();
    viewer.words.tell("Say above what the pictures are.");
    return new Promise((answer) => (this.answer = answer));
  }

  /** The visitor has chosen; for these files alone. @param {string} choice */
  take(choice) {
    this.root.hidden = true;
    this.viewer.stage.focus();
    this.viewer.words.tell("");
    this.answer(choice);
    this.answer = () => {};
  }

  /** Nobody is asked any more about a picture that is gone. */
  show() {
    if (!this.root.hidden && this.image !== this.viewer.state.image) {
      this.root.hidden = true;
      this.answer("");
    }
  }

  button(/** @type {string} */ kind, /** @type {string} */ text, /** @type {boolean} */ offered) {
    const button = find(this.root, `[data-kind=${kind}]`);
    button.hidden = !offered;
    button.textContent = text;
  }

  nameOfOriginal() {
    const { state } = this.viewer;
    return state.name || (this.viewer.sample()?.title ?? "this picture");
  }

  /** Panes of pictures that the server has, beside this original. @param {string} original @param {Taken[]} taken */
  async panesOf(original, taken) {
    const panes = /** @type {Facts[]} */ ([]);
    const said = /** @type {string[]} */ ([]);
    for (const { key, name } of taken) {
      const wish = JSON.stringify({ picture: original, made: key, name, bytes: null });
      const { error, ...facts } = /** @type {Facts & {error?: string}} */ (await this.viewer.exchange.send("pane", wish));
      if (error) said.push(error);
      else panes.push(facts);
    }
    return { panes, said };
  }

  /** What somebody else decoded of the picture on the screen, kept beside their results.
   * @param {string[]} point data set, codec, and what they call the rate */
  async point(point) {
    const { viewer } = this;
    const { image: picture, file } = viewer.state;
    if (file) return viewer.words.tell("A file brings no original; open the photo that theirs was made of", true);
    const wish = JSON.stringify({ picture, name: this.nameOfOriginal(), point });
    const { error, ...facts } = /** @type {Facts & {error?: string}} */ (await viewer.exchange.send("pane", wish));
    if (picture !== viewer.state.image) return; // another one was opened meanwhile
    viewer.root.scrollIntoView({ block: "start" });
    if (error) return viewer.words.tell(`Not opened: ${error}`, true);
    this.add([facts]);
  }

  /** Add panes to those on the screen, as many as there is room for; what had left the server takes its
   * place again. @param {Facts[]} more @param {string[]} said */
  add(more, said = []) {
    const { viewer } = this;
    const back = restored(viewer.records.list(viewer.state.panes), more);
    const panes = viewer.state.panes.map((id) => back.get(id)?.id ?? id);
    const fresh = more.filter(({ id }) => !panes.includes(id));
    const room = viewer.catalogue.limits.panes - panes.length;
    if (fresh.length > room) said.push(`${viewer.catalogue.limits.panes} panes are the most; remove some first`);
    const shown = fresh.slice(0, Math.max(0, room));
    for (const one of [...back.values(), ...shown]) viewer.records.name(one.id, one.label);
    if (!shown.length && !back.size) return viewer.words.tell(said.join("; ") || "These pictures are shown already.", Boolean(said.length));
    viewer.set({ panes: [...panes, ...shown.map(({ id }) => id)] });
    viewer.questions.ask(sentence(said));
  }

  /** The panes for another picture: what was opened for this one stays behind with it, and comes back with it.
   * @param {string} image @param {string[]} panes */
  panesFor(image, panes) {
    const { state } = this.viewer;
    this.kept.set(state.image, state.panes.filter(isOpened));
    const own = panes.filter((one) => !isOpened(one));
    return own.length ? [...own, ...(this.kept.get(image) ?? [])] : own;
  }

  /** Files that say something of each other: the server tells which pictures are of which image.
   * @param {File[]} files */
  async collect(files) {
    const { viewer } = this;
    const form = new FormData();
    for (const file of files) form.append("files", file, file.name);
    viewer.words.tell(`Reading ${files.length === 1 ? files[0].name : counted(files.length, "file")}…`);
    const { error, key = "", images = [], said = [] } =
      /** @type {{error?: string, key?: string, images?: ImageFacts[], said?: string[]}} */ (await viewer.exchange.send("collection", form));
    if (error) return viewer.words.tell(`Not opened: ${error}`, true);
    const name = files.length === 1 ? files[0].name : "Files";
    if (images.length > 1) this.collections = [{ key, name, images }, ...this.collections.filter((one) => one.key !== key)];
    const title = this.nameOfOriginal();
    const first = images.find(({ original }) => original) ?? images.find((one) => one.name === title);
    if (first ?? images.length === 1) return this.look({ key, name, images }, first ?? images[0], said);
    viewer.render();
    viewer.words.tell(`${counted(images.length, "image")} came without originals, and stand in the menu of pictures: open the original of one, then choose it there.`);
    viewer.words.note(sentence(said));
  }

  /** Look at one image of a collection. @param {Collection} collection @param {ImageFacts} image @param {string[]} [before] */
  async look({ key }, image, before = []) {
    const { viewer } = this;
    const { state, words } = viewer;
    const picture = image.original || state.file ? "" : state.image;
    words.note(""); // of the picture before
    words.tell(`Opening ${image.name || "pictures"}…`);
    const answer = await viewer.exchange.send("view", JSON.stringify({ collection: key, image: image.name, picture }));
    const { error, key: photo = "", panes = [], said = [] } =
      /** @type {{error?: string, key?: string, panes?: Facts[], said?: string[]}} */ (answer);
    if (viewer.state.image !== state.image) return; // another one was opened meanwhile
    if (error) {
      viewer.render(); // the menu names what is on the screen
      return words.tell(error, true);
    }
    if (!image.original) return this.add(panes, [...before, ...said]);
    image.photo = photo;
    viewer.recents.add({ key: photo, name: image.name, file: false });
    this.kept.set(photo, []);
    viewer.openPicture(photo, image.name, panes, sentence([...before, ...said]));
  }

  /** Choices of the menu of pictures: every image that came with others. @returns {Named[]} */
  choices() {
    return this.collections.flatMap(({ name, images }, at) =>
      images.map((image, place) => ({ id: image.photo || `zip:${at}:${place}`, label: image.name, group: name })),
    );
  }

  /** The image that such a choice names. @param {string} id */
  chosen(id) {
    const at = this.choices().findIndex((one) => one.id === id);
    const all = this.collections.flatMap((collection) => collection.images.map((image) => ({ collection, image })));
    return all[at];
  }

  /** The visitor has typed how large a pane's file is; sizes that follow fast take turns.
   * @param {string} pane @param {number | null} bytes */
  resize(pane, bytes) {
    this.resizing = this.resizing.then(() => this.exchangeFor(this.idNow(pane), bytes));
    return this.resizing;
  }

  /** What a pane is called since sizes were typed into it. @param {string} pane @returns {string} */
  idNow(pane) {
    const next = this.viewer.state.panes.includes(pane) ? undefined : this.renamed.get(pane);
    return next === undefined ? pane : this.idNow(next);
  }

  /** Another size is another pane, in the same place. @param {string} pane @param {number | null} bytes */
  async exchangeFor(pane, bytes) {
    const { viewer } = this;
    const answer = await viewer.exchange.send("pane", JSON.stringify({ pane: keyOf(pane), bytes }));
    const { error, id = "", label = OPENED } = /** @type {Partial<Facts> & {error?: string}} */ (answer);
    if (error) return viewer.words.tell(error, true);
    const { state, records, stage } = viewer;
    if (!state.panes.includes(pane) || id === pane) return viewer.render();
    this.renamed.delete(id); // a size that was typed before holds again
    this.renamed.set(pane, id);
    records.panes.set(id, { ...records.get(pane), id, label });
    const other = (/** @type {string} */ one) => (one === pane ? id : one);
    const { panes, pick, a, b, against } = state;
    const typed = stage.typedSize(pane);
    viewer.set({ panes: panes.map(other), pick: other(pick), a: other(a), b: other(b), against: other(against) });
    viewer.questions.ask();
    stage.focusSize(id, typed);
  }

  /** Why no more panes are coded; empty while there is room. */
  full() {
    const { limits } = this.viewer.catalogue;
    const { panes } = this.viewer.state;
    if (panes.length >= limits.panes) return `${limits.panes} panes are the most; remove one first`;
    return panes.filter(isCoded).length >= limits.coded ? tooManyCoded(limits) : "";
  }
}

/** Everything that is wrong, as one remark. @param {string[]} said */
const sentence = (said) => (said.length ? `Not all of it: ${said.slice(0, 12).join("; ")}${said.length > 12 ? `; and ${said.length - 12} more` : ""}.` : "");
