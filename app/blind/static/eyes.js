/** The pictures of a trial: one frame, or two side by side, in one view, pixel by pixel. */

import { find } from "../../shared/dom.js";
import { nextScale, panBy, seenView, settle, zoomAt } from "../../viewer/static/geometry.js";
import { listenToLooking } from "../../viewer/static/gestures.js";
import { drawPicture, prepare } from "../../viewer/static/paint.js";

const PAN_SHARE = 0.08;

/** As gestures want it. @implements {Looking} */
export class Eyes {
  /** `faceOf` says which picture a frame shows by now; `painted` is told when it does.
   * @param {HTMLElement} root @param {(pane: string) => Picture | null} faceOf @param {() => void} painted */
  constructor(root, faceOf, painted) {
    this.painted = painted;
    this.root = root;
    this.faceOf = faceOf;
    this.canvases = [...root.querySelectorAll("canvas")];
    this.frames = /** @type {Map<Element, Size>} */ (new Map());
    this.size = /** @type {Size | null} */ (null);
    this.view = { cx: 0.5, cy: 0.5, scale: 1, fit: true };
    this.waiting = 0;
    this.stage = { root, target: (/** @type {HTMLCanvasElement} */ one) => this.target(one), point: () => {} };
    this.state = { mode: "grid", split: 0 };
    this.actions = { split: () => {} };
    const sizes = new ResizeObserver((entries) => this.measure(entries));
    for (const canvas of this.canvases) {
      try {
        sizes.observe(canvas, { box: "device-pixel-content-box" });
      } catch {
        sizes.observe(canvas); // Safari has no device pixel box
      }
    }
    listenToLooking(this);
  }

  /** Another picture, seen at a spot, or whole. @param {Size} size @param {[number, number, number] | null} spot */
  open(size, spot) {
    this.size = size;
    const [cx, cy, scale] = spot ?? [0.5, 0.5, 1];
    this.view = { cx, cy, scale, fit: !spot };
    this.paint();
  }

  get front() {
    const shown = this.canvases.find((one) => one.offsetParent !== null);
    return shown ? this.target(shown) : null;
  }

  get seen() {
    return this.front ? seenView(this.view, this.front) : this.view;
  }

  setView(/** @type {View} */ view) {
    this.view = { ...(this.front ? settle(view, this.front) : view), fit: false };
    this.paint();
  }

  zoomTo(/** @type {number} */ scale) {
    const { front } = this;
    if (front) this.setView(zoomAt(this.seen, scale, { x: front.frame.width / 2, y: front.frame.height / 2 }, front));
  }

  zoom(/** @type {number} */ way) {
    this.zoomTo(nextScale(this.seen.scale, way));
  }

  fit() {
    this.view = { ...this.view, fit: true };
    this.paint();
  }

  pan(/** @type {number} */ dx, /** @type {number} */ dy) {
    const { front } = this;
    const step = front ? -Math.round(front.frame.width * PAN_SHARE) : 0;
    if (front) this.setView(panBy(this.seen, dx * step, dy * step, front.picture));
  }

  /** @param {HTMLCanvasElement} canvas @returns {Framed | null} */
  target(canvas) {
    const frame = this.frames.get(canvas);
    return this.size && frame?.width ? { picture: this.size, frame } : null;
  }

  measure(/** @type {ResizeObserverEntry[]} */ entries) {
    for (const { target, devicePixelContentBoxSize: box, contentRect } of entries) {
      const round = (/** @type {number} */ length) => Math.round(length * devicePixelRatio);
      const frame = box
        ? { width: box[0].inlineSize, height: box[0].blockSize }
        : { width: round(contentRect.width), height: round(contentRect.height) };
      this.frames.set(target, frame);
    }
    this.paint();
  }

  paint() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.paintNow();
    });
  }

  paintNow() {
    const { seen } = this;
    let drawn = 0;
    for (const canvas of this.canvases) {
      const frame = this.frames.get(canvas);
      if (!frame?.width || canvas.offsetParent === null) continue;
      const context = prepare(canvas, frame);
      const picture = this.faceOf(canvas.dataset.pane ?? "");
      if (!picture) continue;
      drawPicture(context, picture, seen, false);
      drawn += 1;
    }
    find(this.root, ".zoom").textContent = `${Math.round(seen.scale * 1000) / 10} %`;
    if (drawn) this.painted();
  }
}
