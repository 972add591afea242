/** What buttons and keys do. Each changes the state; the page follows. */

import { clamp, nextScale, panBy, visibleRegion, zoomAt } from "./geometry.js";
import { PRESETS, positionOf, rateAt } from "./rates.js";
import { MAX_PANES, MAX_PINS, withBlend } from "./state.js";

const FLIP_MS = 500; // two changes a second: under the three flashes that can harm
const PAN_SHARE = 0.08;
const NEEDS_PHOTO = "A .mode file brings no original; open its photo for tables and figures";
const SWITCHES = ["signed", "smooth", "loupe", "minimap", "captions"];

/** The actions of a viewer by name, as keys.js and the buttons call them. */
export function actionsOf(viewer) {
  return {
    ...viewActions(viewer),
    ...modeActions(viewer),
    ...flipActions(viewer),
    ...codingActions(viewer),
    ...plotActions(viewer),
    ...paneActions(viewer),
    ...pageActions(viewer),
  };
}

function viewActions(viewer) {
  const zoomTo = (scale) => {
    const frame = viewer.stage.frame();
    if (!frame || !viewer.size) return;
    const middle = { x: frame.width / 2, y: frame.height / 2 };
    viewer.setView(zoomAt(viewer.state, scale, middle, viewer.size, frame));
  };
  return {
    scale: zoomTo,
    zoom: (direction) => zoomTo(nextScale(viewer.state.scale, direction)),
    zoomToggle: () => zoomTo(viewer.state.scale === 1 ? 2 : 1),
    fit: () => viewer.set({ scale: viewer.stage.fit(), cx: 0.5, cy: 0.5 }),
    pan([dx, dy], far) {
      const frame = viewer.stage.frame();
      if (!frame || !viewer.size) return;
      const step = -Math.round(frame.width * PAN_SHARE) * (far ? 4 : 1);
      viewer.setView(panBy(viewer.state, dx * step, dy * step, viewer.size));
    },
    spot(index) {
      const [, cx, cy, scale] = viewer.spots()[index];
      viewer.set({ cx, cy, scale });
    },
    pin() {
      const { cx, cy, scale, pins } = viewer.state;
      if (pins.length >= MAX_PINS) {
        return viewer.words.tell(`${MAX_PINS} pins are the most; remove one first`);
      }
      viewer.set({ pins: [...pins, [cx, cy, scale]] });
      viewer.words.tell(`Crop pinned as pin ${pins.length + 1}`);
    },
    unpin(index) {
      viewer.set({ pins: viewer.state.pins.filter((_, at) => at !== index) });
      viewer.words.tell(`Pin ${index + 1} removed`);
    },
  };
}

function modeActions(viewer) {
  const flip = (name) => viewer.set({ [name]: !viewer.state[name] });
  const mode = (next) => {
    viewer.actions.endFlip();
    viewer.set({ mode: next });
    viewer.words.tell(`View: ${next}`);
  };
  return {
    mode,
    gridOrSingle: () => mode(viewer.state.mode === "single" ? "grid" : "single"),
    swipe: () => mode(viewer.state.mode === "swipe" ? "grid" : "swipe"),
    diff: () => mode(viewer.state.mode === "diff" ? "grid" : "diff"),
    back: () => mode("grid"),
    set: (change) => viewer.set(change),
    /** One side of the swipe; choosing what is on the other side exchanges them. */
    side(name, id) {
      const { a, b } = viewer.state;
      const other = name === "a" ? b : a;
      viewer.set(id === other ? { a: b, b: a } : { [name]: id });
    },
    split: (share) => viewer.set({ split: clamp(share, 0, 1) }),
    gain: (way) => viewer.set({ gain: clamp(viewer.state.gain * (way > 0 ? 2 : 0.5), 1, 32) }),
    ...Object.fromEntries(SWITCHES.map((name) => [name, () => flip(name)])),
    cycle(way) {
      const { panes, pick } = viewer.state;
      const next = panes[(panes.indexOf(pick) + way + panes.length) % panes.length];
      viewer.set({ mode: "single", pick: next });
      viewer.words.tell(viewer.records.nameOf(next));
    },
  };
}

function flipActions(viewer) {
  const { stage, extra } = viewer;
  let timer = 0;
  let recent = [];
  const show = (index) => {
    const id = index === null ? null : (viewer.state.panes[index] ?? null);
    if (id && recent[0] !== id) recent = [id, recent[0] ?? viewer.state.panes[0]];
    stage.hold(id);
    return id;
  };
  const hold = (index) => {
    const id = show(index);
    if (id) viewer.words.tell(`Showing ${viewer.records.nameOf(id)}`);
  };
  const toggle = () => {
    const { panes } = viewer.state;
    const [now, other] = [recent[0] ?? panes[1], recent[1] ?? panes[0]];
    recent = [other, now];
    stage.hold(other);
    viewer.words.tell(`Showing ${viewer.records.nameOf(other)}`);
  };
  return {
    hold,
    toggle,
    autoFlip() {
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        return viewer.words.tell("Your system asks for less motion: hold 1 to 9 to flip by hand");
      }
      if (extra.flipping) {
        viewer.actions.endFlip();
        viewer.words.tell("Flipping stopped");
      } else {
        let at = 0;
        extra.flipping = true;
        timer = setInterval(() => show(at++ % viewer.state.panes.length), FLIP_MS);
        viewer.words.tell("Flipping through the panes; F or Esc stops it");
      }
      viewer.render();
    },
    endFlip() {
      clearInterval(timer);
      extra.flipping = false;
      show(null);
    },
  };
}

function codingActions(viewer) {
  const setRate = (bpp) => {
    const refused = viewer.fileKey
      ? "A .mode file has the size that it has; open a photo to choose another"
      : !(bpp >= 0.001 && bpp <= 8) && "The rate must be between 0.001 and 8 bits per pixel";
    if (refused) viewer.words.tell(refused, true);
    if (refused || bpp === viewer.state.bpp) return viewer.render();
    viewer.state.bpp = bpp;
    viewer.refresh();
  };
  const setAnchor = (anchor) => {
    const at = Math.round(anchor * 100) / 100;
    const before = viewer.state.panes;
    viewer.state.panes = withBlend(before, at);
    viewer.set({ anchor: at, pick: at === 0 ? "mode-f" : at === 1 ? "mode-p" : `mode-${at}` });
    if (viewer.state.panes.join() !== before.join()) return viewer.ask();
    viewer.words.tell(`Anchor: ${at === 0 ? "fidelity" : at === 1 ? "perception" : at}`);
  };
  const turn = (way) => {
    const ids = viewer.catalogue.samples.map(({ id }) => id);
    const at = ids.indexOf(viewer.state.image);
    viewer.openPicture(ids[(at + way + ids.length) % ids.length]);
  };
  return {
    setRate,
    setAnchor,
    rate: (way) => setRate(rateAt(clamp(positionOf(viewer.state.bpp) + 10 * way, 0, 200))),
    anchor: () => setAnchor(viewer.state.anchor > 0.5 ? 0 : 1),
    picture: (id) => viewer.openPicture(id),
    previous: () => turn(-1),
    next: () => turn(1),
  };
}

/** What the rate-distortion plot asks for. */
function plotActions(viewer) {
  return {
    /** A point of the rate-distortion plot: that picture, that codec, at that rate. */
    openPoint({ image, codec, anchor, bpp }) {
      const named = { fidelity: "mode-f", perception: "mode-p" };
      const id = codec === "mode" ? (named[anchor] ?? `mode-${anchor}`) : codec;
      const known = viewer.catalogue.samples.some((one) => one.id === image);
      if (known && image !== viewer.state.image) viewer.openPicture(image);
      const { panes } = viewer.state;
      if (!panes.includes(id)) viewer.state.panes = [...panes, id].slice(-MAX_PANES);
      Object.assign(viewer.state, { bpp: Number(bpp.toPrecision(3)), pick: id });
      viewer.refresh();
      viewer.root.scrollIntoView({ block: "start" });
    },

    /** Code the picture at every preset, one after the other, and come back; ends on any change. */
    async measureCurve() {
      if (viewer.fileKey) return viewer.words.tell("A file brings no original to measure against", true);
      const home = viewer.state.bpp;
      const rates = [...PRESETS.map(({ bpp }) => bpp).filter((bpp) => bpp !== home), home];
      let done = 0;
      const tell = (running) => {
        const detail = { done, of: rates.length, running };
        document.dispatchEvent(new CustomEvent("mode:measuring", { detail }));
      };
      for (const bpp of rates) {
        tell(true);
        viewer.state.bpp = bpp;
        viewer.refresh();
        if (!(await new Promise((answered) => (viewer.answered = answered)))) break;
        done += 1;
      }
      tell(false);
    },
  };
}

function paneActions(viewer) {
  return {
    addPane(id) {
      if (!id || viewer.state.panes.length >= MAX_PANES) return;
      viewer.set({ panes: [...viewer.state.panes, id] });
      viewer.ask();
    },
    swap(id, next) {
      const other = { [id]: next, [next]: id }; // one that is there already changes places
      viewer.set({ panes: viewer.state.panes.map((one) => other[one] ?? one) });
      viewer.ask();
    },
    close(id) {
      if (viewer.state.panes.length < 2) return;
      viewer.set({ panes: viewer.state.panes.filter((one) => one !== id) });
      viewer.stage.root.focus({ preventScroll: true });
      viewer.words.tell(`${viewer.records.labelOf(id)} removed`);
    },
  };
}

/** What a figure shows: the pinned crops, or else what is in view; [x, y, width, height] each. */
function cropsOf({ state, size, stage }) {
  const views = state.pins.map(([cx, cy, scale]) => ({ cx, cy, scale }));
  return (views.length ? views.slice(-4) : [state]).map((view) => {
    const { x, y, width, height } = visibleRegion(view, size, stage.frame());
    return [x, y, width, height];
  });
}

function takeawayActions(viewer) {
  const wish = (kind, crops) => ({
    kind,
    picture: viewer.state.image,
    keys: viewer.codedPanes().map((one) => one.key),
    crops,
  });
  return {
    async copyTable(kind) {
      if (viewer.fileKey) return viewer.words.tell(NEEDS_PHOTO, true);
      const { text, error } = await viewer.exchange.takeAway("table", wish(kind));
      if (error) return viewer.words.tell(error, true);
      const copied = await copy(text);
      viewer.words.tell(copied ? `Table copied as ${kind}` : "The browser allows no copying here");
    },
    async figure(kind) {
      if (viewer.fileKey) return viewer.words.tell(NEEDS_PHOTO, true);
      viewer.words.tell("Drawing the figure…");
      const { blob, error } = await viewer.exchange.takeAway("figure", wish(kind, cropsOf(viewer)));
      if (error) return viewer.words.tell(error, true);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `mode-figure.${kind}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      viewer.words.tell(`Figure saved as ${link.download}`);
    },
  };
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function pageActions(viewer) {
  return {
    ...takeawayActions(viewer),
    goTo: (id) => document.getElementById(id)?.scrollIntoView(),
    retry: () => viewer.refresh(),
    help: () => viewer.root.querySelector("dialog.help").showModal(),
    fullScreen() {
      if (document.fullscreenElement) document.exitFullscreen();
      else viewer.root.requestFullscreen?.();
    },
    async copyLink() {
      if (viewer.fileKey) {
        return viewer.words.tell("A link cannot hold a .mode file; pass the file itself on", true);
      }
      const link = new URL(viewer.link(), location.href).href;
      history.replaceState(history.state, "", link);
      const copied = await copy(link);
      const told = copied ? "Link to this screen copied" : "The link is in the address bar";
      const own = !viewer.sample();
      viewer.words.tell(own ? `${told}; it lasts as long as the server keeps your photo` : told);
    },
  };
}
