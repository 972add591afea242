/** The panes on the screen: one shared view, painted once per frame at most. */

import { find } from "../../shared/dom.js";
import { begunIn, goOnTyping } from "./fields.js";
import { columnsFor, fitScale } from "./geometry.js";
import { Maps, isFlip, mapWords } from "./maps.js";
import { bestInView } from "./numbers.js";
import { describePane, makePane, scopeWords } from "./panes.js";
import { SURROUND, clipped, drawDifference, drawDot, drawLoupe, drawMinimap, drawPicture, prepare } from "./paint.js";
import { canBeSized } from "./sizing.js";
import { visiblePanes } from "./state.js";

const NARROWEST_PANE = 170;
const CAPTION = 44;
const GAP = 2;
const MINIMAP_SIDE = 112;
const MINIMAP_SHARE = 0.5;
const MINIMAP_LEAST = 32;

/** Columns, rows and gap in CSS terms, cut to whole screen pixels so that all panes are alike.
 * @param {Size} room @param {number} columns @param {number} rows */
function gridOf(room, columns, rows, ratio = devicePixelRatio) {
  const gap = Math.round(GAP * ratio);
  const share = (/** @type {number} */ length, /** @type {number} */ count) =>
    Math.floor((length * ratio - gap * (count - 1)) / count) / ratio;
  return {
    "--columns": columns,
    "--rows": rows,
    "--width": `${share(room.width, columns)}px`,
    "--height": `${share(room.height, rows)}px`,
    "--gap": `${gap / ratio}px`,
  };
}

export class Stage {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.root = find(viewer.root, ".stage");
    this.grid = find(this.root, ".panes");
    this.minimap = find(this.root, ".minimap", HTMLCanvasElement);
    this.line = find(this.root, ".split-line");
    this.maps = new Maps(viewer);
    this.panes = /** @type {Map<string, Pane>} */ (new Map());
    this.held = /** @type {string | null} */ (null);
    this.pointer = /** @type {Pointer | null} */ (null);
    this.waitingFrame = 0;
    this.ground = SURROUND;
    this.dot = /** @type {Place | null} */ (null); // where somebody else points, as shares of the picture
    this.counted = true; // whether the browser tells frames in pixels of the screen
    this.sizes = new ResizeObserver((entries) => this.measure(entries));
    new ResizeObserver(() => this.arrange()).observe(this.grid);
  }

  /** Bring the boxes in line with the state. */
  show() {
    const wanted = this.viewer.state.panes;
    for (const [id, pane] of this.panes) if (!wanted.includes(id)) this.drop(id, pane);
    wanted.forEach((id, index) => {
      const { figure } = this.panes.get(id) ?? this.add(id);
      const place = this.grid.children[index] ?? null;
      if (place !== figure) this.grid.insertBefore(figure, place);
    });
    this.describe();
    this.arrange();
  }

  /** Bring the words of all panes up to date. */
  describe() {
    const { large, records, state, catalogue, whole, words } = this.viewer;
    const all = records.list(state.panes).map((record) => records.inCaption(record, whole));
    const best = bestInView(all, catalogue);
    const files = all.map(({ sha256 }) => sha256 ?? "");
    all.forEach((record, index) => {
      const pane = this.panes.get(record.id);
      const same = files[index] !== "" && files.filter((one) => one === files[index]).length > 1;
      const compared = this.comparedTo(record.id);
      const how = { index, same, best, whole, compared, asking: large.asks, last: all.length < 2, sized: canBeSized(state, record.id) };
      if (pane) describePane(pane, record, catalogue, how);
    });
    const measured = all.some(({ view }) => Object.keys(view ?? {}).length);
    words.tellScope(measured ? scopeWords(whole) : "");
  }

  /** What a pane's difference map is drawn against, in words. @param {string} id */
  comparedTo(id) {
    const { state, records } = this.viewer;
    const { mode, against, gain } = state;
    if (mode !== "diff") return { text: "" };
    if (id === against) return { text: "reference" };
    const text = `vs ${records.labelOf(against)}`;
    return isFlip(state) ? { text, ...mapWords(this.maps.of(id), this.maps.failed) } : { text: `${text} ×${gain}` };
  }

  /** Show one pane's picture in all panes, and say so in each, until null is held. @param {string | null} id */
  hold(id) {
    this.held = id;
    this.root.classList.toggle("held", id !== null);
    const name = id === null ? "" : this.viewer.records.nameOf(id);
    for (const [own, { figure, view }] of this.panes) {
      figure.classList.toggle("shown", own === id);
      view.dataset.held = name;
    }
    this.paint();
    this.viewer.noticed();
  }

  /** Keys go on from here when what had the focus goes away. */
  focus() {
    this.root.focus({ preventScroll: true });
  }

  /** What somebody is typing as a pane's size at this moment, if anything. @param {string} id */
  typedSize(id) {
    const field = this.panes.get(id)?.parts.given;
    return field ? begunIn(field) : "";
  }

  /** Whoever types sizes by keyboard goes on where they were. @param {string} id @param {string} typed */
  focusSize(id, typed) {
    const field = this.panes.get(id)?.parts.given;
    field?.focus({ preventScroll: true });
    if (field && typed) goOnTyping(field, typed);
  }

  /** So does who has chosen a size. @param {string} id */
  focusRate(id) {
    this.panes.get(id)?.parts.rate.focus({ preventScroll: true });
  }

  point(/** @type {Pointer | null} */ pointer) {
    this.pointer = pointer;
    if (this.viewer.state.loupe) this.paint();
    this.viewer.noticed();
  }

  add(/** @type {string} */ id) {
    const { actions } = this.viewer;
    const pane = makePane(id, { swap: actions.swap, close: actions.close, resize: actions.resize, size: actions.size, hold: (held) => this.hold(held) });
    this.panes.set(id, pane);
    try {
      this.sizes.observe(pane.canvas, { box: "device-pixel-content-box" });
    } catch {
      this.sizes.observe(pane.canvas); // Safari has no device pixel box
    }
    return pane;
  }

  drop(/** @type {string} */ id, /** @type {Pane} */ pane) {
    this.sizes.unobserve(pane.canvas);
    pane.figure.remove();
    this.panes.delete(id);
  }

  arrange() {
    const { mode, size } = this.viewer.state;
    const visible = visiblePanes(this.viewer.state);
    this.root.dataset.mode = mode;
    const room = { width: this.grid.clientWidth, height: this.grid.clientHeight };
    const most = Math.max(1, Math.floor(room.width / NARROWEST_PANE));
    const count = mode === "swipe" ? 1 : visible.length;
    const columns = Math.min(most, columnsFor(count, size ?? { width: 3, height: 2 }, room, CAPTION));
    const cells = gridOf(room, mode === "swipe" ? 2 : columns, Math.ceil(count / columns));
    for (const [name, value] of Object.entries(cells)) this.grid.style.setProperty(name, `${value}`);
    for (const [id, pane] of this.panes) {
      pane.figure.hidden = !visible.includes(id);
      pane.figure.classList.toggle("front", mode !== "swipe" || id === visible[0]);
    }
    this.paint();
  }

  measure(/** @type {ResizeObserverEntry[]} */ entries) {
    for (const { target, devicePixelContentBoxSize: box, contentRect } of entries) {
      const pane = [...this.panes.values()].find((one) => one.canvas === target);
      if (!pane) continue;
      const round = (/** @type {number} */ length) => Math.round(length * devicePixelRatio);
      pane.frame = box
        ? { width: box[0].inlineSize, height: box[0].blockSize }
        : { width: round(contentRect.width), height: round(contentRect.height) };
      this.counted = Boolean(box);
    }
    this.viewer.resized();
    this.paint();
  }

  /** The picture and frame behind a canvas, for gestures. @param {HTMLCanvasElement} canvas */
  target(canvas) {
    const frame = this.panes.get(canvas.dataset.pane ?? "")?.frame;
    const { size } = this.viewer.state;
    return size && frame?.width ? { picture: size, frame } : null;
  }

  /** The frame that speaks for all: that of the first pane on the screen, with the picture's size. */
  front() {
    const first = this.panes.get(visiblePanes(this.viewer.state)[0]);
    return first ? this.target(first.canvas) : null;
  }

  paint() {
    this.waitingFrame ||= requestAnimationFrame(() => {
      this.waitingFrame = 0;
      this.paintNow();
    });
  }

  paintNow() {
    const state = this.viewer.seen;
    const { scale, size, mode, split } = state;
    if (!scale || !size) return;
    const visible = visiblePanes(state);
    this.maps.begin();
    for (const id of visible) {
      const pane = this.panes.get(id);
      if (!pane?.frame?.width || !pane.figure.classList.contains("front")) continue;
      this.paintPane(pane, pane.frame, state, mode === "swipe" ? visible[1] : undefined);
    }
    this.maps.next(state);
    this.paintMinimap(state);
    this.line.hidden = mode !== "swipe";
    this.line.style.setProperty("--split", String(split));
  }

  /** One pane's picture or difference map; in swipe, another one right of the line.
   * @param {Pane} pane @param {Size} frame @param {State} state @param {string} [swiped] */
  paintPane(pane, frame, state, swiped) {
    const { held } = this;
    const { records } = this.viewer;
    const { size } = state;
    const context = prepare(pane.canvas, frame, this.ground);
    const id = held ?? pane.id;
    const picture = records.pictureOf(id);
    const isMap = state.mode === "diff" && held === null && id !== state.against;
    const reference = isMap ? records.pictureOf(state.against) : null;
    if (reference && picture && isFlip(state)) this.maps.draw(context, id, reference, picture, state);
    else if (reference && picture) drawDifference(context, reference, picture, state);
    else if (picture) drawPicture(context, picture, state, state.smooth);
    const other = swiped && held === null ? records.pictureOf(swiped) : undefined;
    const left = Math.round(state.split * frame.width);
    if (other !== undefined) {
      clipped(context, [left, 0, frame.width - left, frame.height], () => {
        context.fillRect(left, 0, frame.width, frame.height); // may have no picture yet
        if (other) drawPicture(context, other, state, state.smooth);
      });
    }
    if (this.dot && size) drawDot(context, this.dot, state, size);
    if (!state.loupe || !size) return;
    // Keys can call for the loupe too, while no pointer says where.
    const middle = { x: state.cx * size.width, y: state.cy * size.height };
    const pointer = this.pointer ?? { place: middle, share: { x: 0.5, y: 0.5 } };
    const under = other !== undefined && pointer.share.x * frame.width >= left ? other : picture;
    if (under) drawLoupe(context, reference ? null : under, pointer, state.scale);
  }

  /** The whole picture in a corner, as large as a pane's picture has room for, so that no number is covered. */
  paintMinimap(/** @type {State} */ state) {
    const front = this.front();
    const picture = this.viewer.records.pictureOf(visiblePanes(state)[0]);
    const room = front ? Math.min(front.frame.width, front.frame.height) / devicePixelRatio : 0;
    const side = Math.round(Math.min(MINIMAP_SIDE, room * MINIMAP_SHARE));
    const shown = front && picture && side >= MINIMAP_LEAST && state.scale > fitScale(front) * 1.001 && state.minimap;
    this.minimap.hidden = !shown;
    if (shown) drawMinimap(this.minimap, picture, state, front.frame, side);
  }
}
