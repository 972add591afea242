/** The panes on the screen: one shared view, painted once per frame at most. */

import { columnsFor, fitScale, visibleRegion } from "./geometry.js";
import { bestInView, describePane, makePane } from "./panes.js";
import { drawDifference, drawLoupe, drawMinimap, drawPicture, prepare } from "./paint.js";

const MINIMAP_SIDE = 112;
const NARROWEST_PANE = 170;
const GAP = 2;

/** Columns, rows and gap in CSS terms, cut to whole screen pixels so that all panes are alike. */
export function gridOf(room, columns, rows, ratio = devicePixelRatio) {
  const gap = Math.round(GAP * ratio);
  const share = (length, count) => Math.floor((length * ratio - gap * (count - 1)) / count) / ratio;
  return {
    "--columns": columns,
    "--rows": rows,
    "--width": `${share(room.width, columns)}px`,
    "--height": `${share(room.height, rows)}px`,
    "--gap": `${gap / ratio}px`,
  };
}

export class Stage {
  /** `on` gets hold, swap, close, resized, exactness(boolean). */
  constructor(root, records, on) {
    this.root = root;
    this.records = records;
    this.on = on;
    this.grid = root.querySelector(".panes");
    this.minimap = root.querySelector(".minimap");
    this.line = root.querySelector(".split-line");
    /** @type {Map<string, ReturnType<typeof makePane>>} */
    this.panes = new Map();
    this.extra = { held: null, pointer: null };
    this.waitingFrame = 0;
    this.sizes = new ResizeObserver((entries) => this.measure(entries));
    new ResizeObserver(() => this.arrange()).observe(this.grid);
  }

  /** Bring the boxes in line with the state. */
  show(state, choices, size) {
    Object.assign(this, { state, choices, size });
    for (const [id, pane] of this.panes) if (!state.panes.includes(id)) this.drop(id, pane);
    state.panes.forEach((id, index) => {
      const { figure } = this.panes.get(id) ?? this.add(id);
      const place = this.grid.children[index] ?? null;
      if (place !== figure) this.grid.insertBefore(figure, place);
    });
    this.describe();
    this.arrange();
  }

  /** Bring the words of all panes up to date. */
  describe() {
    const { state, choices, records } = this;
    const all = records.list(state.panes);
    const best = bestInView(all);
    all.forEach((record, index) => {
      const same = record.sha256 && all.some((one) => one !== record && one.sha256 === record.sha256);
      const words = { index, choices, same, best, compared: this.comparedTo(record.id), last: all.length < 2 };
      describePane(this.panes.get(record.id), record, words);
    });
  }

  /** What a pane's difference map is drawn against, in words. */
  comparedTo(id) {
    const { mode, against, gain } = this.state;
    if (mode !== "diff") return "";
    return id === against ? "reference" : `vs ${this.records.labelOf(against)} ×${gain}`;
  }

  /** Show one pane's picture in all panes, and say so in each, until null is held. */
  hold(id) {
    this.extra.held = id;
    this.root.classList.toggle("held", id !== null);
    const name = id === null ? "" : this.records.nameOf(id);
    for (const [own, { figure, view }] of this.panes) {
      figure.classList.toggle("shown", own === id);
      view.dataset.held = name;
    }
    this.paint();
  }

  point(pointer) {
    this.extra.pointer = pointer;
    if (this.state?.loupe) this.paint();
  }

  add(id) {
    const pane = makePane(id, this.on);
    this.panes.set(id, pane);
    try {
      this.sizes.observe(pane.canvas, { box: "device-pixel-content-box" });
    } catch {
      this.sizes.observe(pane.canvas); // Safari has no device pixel box
    }
    return pane;
  }

  drop(id, pane) {
    this.sizes.unobserve(pane.canvas);
    pane.figure.remove();
    this.panes.delete(id);
  }

  /** Panes that are on the screen in this mode. */
  visible() {
    const { mode, panes, pick, a, b } = this.state;
    const there = (...ids) => ids.filter((id) => panes.includes(id));
    if (mode === "single") return there(pick).concat(panes).slice(0, 1);
    if (mode === "swipe") return there(a, b).concat(panes).slice(0, 2);
    return panes;
  }

  arrange() {
    if (!this.state) return;
    const visible = this.visible();
    const { mode } = this.state;
    this.root.dataset.mode = mode;
    const room = { width: this.grid.clientWidth, height: this.grid.clientHeight };
    const most = Math.max(1, Math.floor(room.width / NARROWEST_PANE));
    const count = mode === "swipe" ? 1 : visible.length;
    const columns = Math.min(most, columnsFor(count, this.size ?? { width: 3, height: 2 }, room, 44));
    const cells = gridOf(room, mode === "swipe" ? 2 : columns, Math.ceil(count / columns));
    for (const [name, value] of Object.entries(cells)) this.grid.style.setProperty(name, value);
    for (const [id, pane] of this.panes) {
      pane.figure.hidden = !visible.includes(id);
      pane.figure.classList.toggle("front", mode !== "swipe" || id === visible[0]);
    }
    this.paint();
  }

  measure(entries) {
    for (const { target, devicePixelContentBoxSize: box, contentRect } of entries) {
      const pane = [...this.panes.values()].find((one) => one.canvas === target);
      if (!pane) continue;
      pane.frame = box
        ? { width: box[0].inlineSize, height: box[0].blockSize }
        : {
            width: Math.round(contentRect.width * devicePixelRatio),
            height: Math.round(contentRect.height * devicePixelRatio),
          };
      this.on.exactness(Boolean(box));
    }
    this.on.resized();
    this.paint();
  }

  /** The picture and frame behind a canvas, for gestures. */
  target(canvas) {
    const pane = this.panes.get(canvas.dataset.pane);
    return this.size && pane?.frame?.width ? { picture: this.size, frame: pane.frame } : null;
  }

  /** The frame that speaks for all: that of the first pane on the screen. */
  frame() {
    const first = this.state && this.panes.get(this.visible()[0]);
    return first?.frame?.width ? first.frame : null;
  }

  fit() {
    const frame = this.frame();
    return frame && this.size ? fitScale(this.size, frame) : 1;
  }

  region() {
    const frame = this.frame();
    return frame && this.size ? visibleRegion(this.state, this.size, frame) : null;
  }

  /** Where the swipe line is on the screen, in CSS pixels; null in other modes. */
  splitAt(canvas) {
    if (this.state.mode !== "swipe") return null;
    const box = canvas.getBoundingClientRect();
    return box.left + this.state.split * box.width;
  }

  paint() {
    this.waitingFrame ||= requestAnimationFrame(() => {
      this.waitingFrame = 0;
      this.paintNow();
    });
  }

  paintNow() {
    if (!this.state?.scale || !this.size) return;
    const visible = this.visible();
    for (const id of visible) {
      const pane = this.panes.get(id);
      if (!pane?.frame?.width || !pane.figure.classList.contains("front")) continue;
      this.paintPane(pane, visible);
    }
    this.paintMinimap();
    this.line.hidden = this.state.mode !== "swipe";
    this.line.style.setProperty("--split", this.state.split);
  }

  paintPane(pane, visible) {
    const { state, extra } = this;
    const context = prepare(pane.canvas, pane.frame);
    const id = extra.held ?? pane.figure.dataset.id;
    const draw = (what) => {
      const picture = this.records.pictureOf(what);
      if (picture) drawPicture(context, picture, state, pane.frame, state.smooth);
    };
    const reference = state.mode === "diff" && extra.held === null && id !== state.against
      ? this.records.pictureOf(state.against)
      : null;
    const picture = this.records.pictureOf(id);
    const isMap = reference && picture;
    if (isMap) drawDifference(context, [reference, picture], state, pane.frame, state);
    else draw(id);
    const swiped = state.mode === "swipe" && visible[1] && extra.held === null;
    const left = Math.round(state.split * pane.frame.width);
    if (swiped) {
      context.save();
      context.beginPath();
      context.rect(left, 0, pane.frame.width - left, pane.frame.height);
      context.clip();
      context.fillRect(left, 0, pane.frame.width, pane.frame.height); // may have no picture yet
      draw(visible[1]);
      context.restore();
    }
    if (!state.loupe) return;
    const { place, share } = extra.pointer ?? this.middle();
    const at = { x: share.x * pane.frame.width, y: share.y * pane.frame.height };
    const under = swiped && at.x >= left ? this.records.pictureOf(visible[1]) : picture;
    if (under) drawLoupe(context, isMap ? null : under, place, at, state, pane.frame);
  }

  /** Where the loupe is while no pointer says: keys can call for it too. */
  middle() {
    const { cx, cy } = this.state;
    const place = { x: cx * this.size.width, y: cy * this.size.height };
    return { place, share: { x: 0.5, y: 0.5 } };
  }

  paintMinimap() {
    const frame = this.frame();
    const picture = this.records.pictureOf(this.visible()[0]);
    const whole = !frame || this.state.scale <= this.fit() * 1.001;
    this.minimap.hidden = whole || !picture || !this.state.minimap;
    if (!this.minimap.hidden) drawMinimap(this.minimap, picture, this.state, frame, MINIMAP_SIDE);
  }
}
