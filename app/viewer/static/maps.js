/** FLIP maps of the panes: which are wanted for what is in view, which are here, and the next one to make. */

import { COLOURS, PIXELS_PER_DEGREE, marginOf } from "./flip.js";
import { boxOf, visibleRegion } from "./geometry.js";
import { place } from "./paint.js";
import { DIFFERENCE, FLIP } from "./state.js";

/** Pixels of all maps of a view together: about three seconds of work, so larger views are made smaller. */
const MOST_OF_ALL = 3e6;
const MOST_OF_ONE = 1.5e6;
const AS_IT_IS = /** @type {const} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
export const MAPS = [
  { id: DIFFERENCE, label: "pixels" },
  { id: FLIP, label: "FLIP" },
];
/** The scale bar's background. */
export const RAMP = `linear-gradient(to right, ${COLOURS.map((one) => `rgb(${one.join(" ")})`).join(", ")})`;

/** @param {Pick<State, "mode" | "map">} state */
export const isFlip = ({ mode, map }) => mode === "diff" && map === FLIP;

/** What is mapped of a region: itself, or every n-th of its rows and columns, which are then in whole steps.
 * @param {Region} region @param {Size} picture @param {number} maps how many such maps there are */
export function coarse(region, picture, maps) {
  const most = Math.min(MOST_OF_ONE, MOST_OF_ALL / Math.max(1, maps));
  const every = Math.ceil(Math.sqrt((region.width * region.height) / most));
  return { every, ...stepped(region, picture, every, 0) };
}

/** Whether maps of what is in view are of a smaller copy. @param {State} seen @param {Framed} front */
export const isReduced = (seen, front) =>
  isFlip(seen) && coarse(visibleRegion(seen, front), front.picture, seen.panes.length - 1).every > 1;

/** A region with some more around it, in whole steps, as far as the picture goes.
 * @param {Region} region @param {Size} picture @param {number} every @param {number} more */
export function stepped({ x, y, width, height }, picture, every, more) {
  const span = (/** @type {number} */ start, /** @type {number} */ length, /** @type {number} */ whole) => {
    const first = Math.max(0, (Math.floor(start / every) - more) * every);
    return [first, Math.min(whole, (Math.ceil((start + length) / every) + more) * every) - first];
  };
  const [left, across] = span(x, width, picture.width);
  const [top, down] = span(y, height, picture.height);
  return { x: left, y: top, width: across, height: down };
}

/** What a caption says of a map: its mean in view, and the words behind that.
 * @param {MadeMap | undefined} made @param {string} failed why there is none */
export function mapWords(made, failed) {
  const mean = failed ? "–" : made ? made.mean.toFixed(3) : "…";
  const scale = made && made.every > 1 ? ` at 1/${made.every}` : "";
  const reduced = scale && "; too large for all pixels, so of a smaller copy, whose mean is somewhat lower: zoom in";
  return { mean: mean + scale, title: failed || `Mean of FLIP in view: 0 is the same, 1 most different${reduced}` };
}

export class Maps {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.wanted = /** @type {Map<string, WantedMap>} */ (new Map());
    this.made = /** @type {Map<string, MadeMap>} */ (new Map());
    this.worker = /** @type {Worker | null} */ (null);
    this.busy = false;
    this.failed = "";
    this.clock = 0;
  }

  /** Panes are about to be painted; what is wanted of those before may be gone. */
  begin() {
    this.wanted.clear();
  }

  /** Draw the last map of a pane's pictures where it belongs, and want the one of what is in view.
   * @param {CanvasRenderingContext2D} context @param {string} id @param {Picture} reference
   * @param {Picture} picture @param {State} state */
  draw(context, id, reference, picture, state) {
    const region = visibleRegion(state, { picture, frame: context.canvas });
    if (!region.width || !region.height) return;
    const own = coarse(region, picture, state.panes.length - 1);
    this.wanted.set(id, { reference, picture, ...own });
    const made = this.of(id);
    if (!made) return;
    const { bitmap } = made;
    place(context, bitmap, [0, 0, bitmap.width, bitmap.height], made, picture, state, false);
  }

  /** The map of a pane, if it is one of the pictures that are wanted. @param {string} id */
  of(id) {
    const [made, wanted] = [this.made.get(id), this.wanted.get(id)];
    const same = wanted && made && made.picture === wanted.picture && made.reference === wanted.reference;
    return same ? made : undefined;
  }

  /** Once all panes are painted: make what is not here yet, the oldest map first.
   * @param {Pick<State, "mode" | "map" | "panes">} state */
  next(state) {
    if (!isFlip(state)) return this.release();
    for (const id of this.made.keys()) if (!state.panes.includes(id)) this.drop(id);
    if (this.busy || this.failed) return;
    const open = [...this.wanted].filter(([id, wanted]) => !isDone(this.of(id), wanted));
    const age = (/** @type {string} */ id) => this.of(id)?.at ?? 0;
    open.sort(([one], [other]) => age(one) - age(other));
    if (open.length) this.make(...open[0]);
  }

  /** @param {string} id @param {WantedMap} wanted */
  async make(id, wanted) {
    this.busy = true;
    const worker = (this.worker ??= this.hire());
    const { reference, picture, every } = wanted;
    const ppd = PIXELS_PER_DEGREE / every; // the same angle for the same part of the picture
    const around = stepped(wanted, picture, every, marginOf(ppd));
    const inside = { ...wanted, x: wanted.x - around.x, y: wanted.y - around.y };
    const [x, y, width, height] = boxOf(inside, 1 / every);
    const box = { x, y, width: Math.ceil(width), height: Math.ceil(height) };
    const key = [boxOf(around), every, numberOf(reference)].join();
    const size = { width: Math.ceil(around.width / every), height: Math.ceil(around.height / every) };
    const parts = [reference, picture].map(({ bitmap }) => createImageBitmap(bitmap, ...boxOf(around), AS_IT_IS));
    try {
      const [a, b] = await Promise.all(parts);
      if (worker !== this.worker) return;
      const answer = await asked(worker, { reference: a, picture: b, size, key, box, ppd });
      if (worker !== this.worker) return answer.bitmap.close();
      this.take(id, { ...wanted, ...answer, at: ++this.clock });
    } catch (error) {
      if (worker !== this.worker) return;
      this.failed = `This browser cannot make it: ${error}`;
    }
    this.busy = false;
    this.viewer.stage.describe();
    this.viewer.stage.paint(); // which asks for the next one
  }

  take(/** @type {string} */ id, /** @type {MadeMap} */ made) {
    this.drop(id);
    this.made.set(id, made);
  }

  drop(/** @type {string} */ id) {
    this.made.get(id)?.bitmap.close();
    this.made.delete(id);
  }

  /** @returns {Worker} */
  hire() {
    return new Worker(new URL("flipworker.js", import.meta.url), { type: "module" });
  }

  /** Nobody looks at maps any more: neither they nor the worker stay. */
  release() {
    this.worker?.terminate();
    for (const id of this.made.keys()) this.drop(id);
    this.wanted.clear();
    Object.assign(this, { worker: null, busy: false, failed: "" });
  }
}

/** @param {MadeMap | undefined} made @param {WantedMap} wanted */
const isDone = (made, wanted) =>
  made !== undefined && boxOf(made).join() === boxOf(wanted).join() && made.every === wanted.every;

/** The worker's answer to one task. @param {Worker} worker @param {MapTask} task
 * @returns {Promise<{bitmap: ImageBitmap, mean: number}>} */
function asked(worker, task) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(data.error) : resolve(data));
    worker.onerror = () => reject("its worker does not start");
    worker.postMessage(task, [task.reference, task.picture]);
  });
}

const numbers = /** @type {WeakMap<Picture, number>} */ (new WeakMap());
let known = 0;

/** A number by which a picture is known. @param {Picture} picture */
function numberOf(picture) {
  const number = numbers.get(picture) ?? ++known;
  numbers.set(picture, number);
  return number;
}
