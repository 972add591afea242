/** What buttons and keys do. Each changes the state; the page follows. */

import { clamp, further } from "../../shared/arithmetic.js";
import { find } from "../../shared/dom.js";
import { codingActions } from "./coding.js";
import { OPEN } from "./controls.js";
import { nextScale, panBy, zoomAt } from "./geometry.js";
import { isFlip } from "./maps.js";
import { bytesFrom } from "./opened.js";
import { atRate, ownRateOf } from "./rated.js";
import { DIFFERENCE, FLIP, MAX_PINS, replaced } from "./state.js";
import { takeawayActions } from "./takeaway.js";

const FLIP_MS = 500; // two changes a second: under the three flashes that can harm
const PAN_SHARE = 0.08;
const MODES = { gridOrSingle: "single", swipe: "swipe", diff: "diff" };
const SWITCHES = /** @type {const} */ (["signed", "smooth", "loupe", "minimap", "captions"]);

/** @param {Viewer} viewer @returns {Actions} */
export function actionsOf(viewer) {
  return {
    ...viewActions(viewer),
    ...modeActions(viewer),
    ...flipActions(viewer),
    ...codingActions(viewer),
    ...paneActions(viewer),
    ...takeawayActions(viewer),
    goTo: (id) => document.getElementById(id)?.scrollIntoView(),
    howFar: () => find(document.documentElement, "#about h2:nth-of-type(3)").scrollIntoView(),
    retry: () => viewer.questions.refresh(),
    cancel: () => viewer.questions.cancel(),
    code: (choice) => viewer.large.take(choice),
    blind: async () => (await import("../../blind/static/making.js")).openMaking(viewer), // few want it
    help: () => find(viewer.root, "dialog.help", HTMLDialogElement).showModal(),
    fullScreen() {
      if (document.fullscreenElement) document.exitFullscreen();
      else viewer.root.requestFullscreen?.();
    },
  };
}

/** Where one looks, and the crops to come back to. @param {Viewer} viewer @returns {Actions} */
function viewActions(viewer) {
  const zoomTo = (/** @type {number} */ scale) => {
    const front = viewer.stage.front();
    if (!front) return;
    const middle = { x: front.frame.width / 2, y: front.frame.height / 2 };
    viewer.setView(zoomAt(viewer.seen, scale, middle, front));
  };
  return {
    scale: zoomTo,
    zoom: (direction) => zoomTo(nextScale(viewer.seen.scale, direction)),
    zoomToggle: () => zoomTo(viewer.seen.scale === 1 ? 2 : 1),
    fit: () => viewer.set({ fit: true, scale: 0, cx: 0.5, cy: 0.5 }),
    pan([dx, dy], far) {
      const front = viewer.stage.front();
      if (!front) return;
      const step = -Math.round(front.frame.width * PAN_SHARE) * (far ? 4 : 1);
      viewer.setView(panBy(viewer.seen, dx * step, dy * step, front.picture));
    },
    spot(index) {
      const [, cx, cy, scale] = viewer.spots()[index];
      viewer.set({ cx, cy, scale });
    },
    pin() {
      const { cx, cy, scale, pins } = viewer.seen;
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

/** @param {Viewer} viewer @returns {Actions} */
function modeActions(viewer) {
  const mode = (/** @type {string} */ next) => {
    viewer.actions.endFlip();
    viewer.set({ mode: next });
    viewer.words.tell(`View: ${next}`);
  };
  const there = (/** @type {string} */ one) => () => mode(viewer.state.mode === one ? "grid" : one);
  const flip = (/** @type {typeof SWITCHES[number]} */ name) => () =>
    viewer.set({ [name]: !viewer.state[name] });
  return {
    mode,
    back: () => mode("grid"),
    ...Object.fromEntries(Object.entries(MODES).map(([name, one]) => [name, there(one)])),
    ...Object.fromEntries(SWITCHES.map((name) => [name, flip(name)])),
    against: (id) => viewer.set({ against: id }),
    // Choosing for one side of the swipe what is on the other exchanges them.
    left: (id) => viewer.set(id === viewer.state.b ? { a: id, b: viewer.state.a } : { a: id }),
    right: (id) => viewer.set(id === viewer.state.a ? { b: id, a: viewer.state.b } : { b: id }),
    split: (share) => viewer.set({ split: clamp(Number(share), 0, 1) }),
    setMap: (map) => viewer.set({ map }),
    perceived() {
      const map = isFlip(viewer.state) ? DIFFERENCE : FLIP;
      viewer.set({ map });
      if (viewer.state.mode !== "diff") mode("diff");
      viewer.words.tell(`Map: ${map === FLIP ? "FLIP" : map}`);
    },
    setGain: (gain) => viewer.set({ gain: Number(gain) }),
    gain: (way) => viewer.set({ gain: clamp(viewer.state.gain * (way > 0 ? 2 : 0.5), 1, 32) }),
    cycle(way) {
      const { panes, pick } = viewer.state;
      const next = further(panes, pick, way);
      viewer.set({ mode: "single", pick: next });
      viewer.words.tell(viewer.records.nameOf(next));
    },
  };
}

/** @param {Viewer} viewer @returns {Actions} */
function flipActions(viewer) {
  const { stage, words } = viewer;
  let timer = 0;
  let recent = /** @type {string[]} */ ([]);
  const say = (/** @type {string} */ id) => words.tell(`Showing ${viewer.records.nameOf(id)}`);
  const show = (/** @type {number | null} */ index) => {
    const id = index === null ? null : (viewer.state.panes[index] ?? null);
    if (id && recent[0] !== id) recent = [id, recent[0] ?? viewer.state.panes[0]];
    stage.hold(id);
    return id;
  };
  const start = () => {
    let at = 0;
    timer = setInterval(() => show(at++ % viewer.state.panes.length), FLIP_MS);
    viewer.set({ flipping: true });
    words.tell("Flipping through the panes; F or Esc stops it");
  };
  const endFlip = () => {
    clearInterval(timer);
    if (viewer.state.flipping) viewer.set({ flipping: false });
    show(null);
  };
  return {
    endFlip,
    hold(index) {
      const id = show(index);
      if (id) say(id);
    },
    toggle() {
      const { panes } = viewer.state;
      recent = [recent[1] ?? panes[0], recent[0] ?? panes[1]];
      stage.hold(recent[0]);
      say(recent[0]);
    },
    autoFlip() {
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        return words.tell("Your system asks for less motion: hold 1 to 9 to flip by hand");
      }
      if (!viewer.state.flipping) return start();
      endFlip();
      words.tell("Flipping stopped");
    },
  };
}

/** @param {Viewer} viewer @returns {Actions} */
function paneActions(viewer) {
  return {
    addPane(id) {
      if (id === OPEN) {
        viewer.render(); // the menu goes back to its title
        return viewer.chooseFiles(true);
      }
      const full = viewer.beside.full();
      if (full) viewer.words.tell(full, true);
      if (!id || full) return viewer.render();
      viewer.set({ panes: [...viewer.state.panes, id] });
      viewer.questions.ask();
    },
    openPanes: () => viewer.chooseFiles(true),
    beside: (choice) => viewer.beside.take(choice),
    resize(id, text) {
      const bytes = bytesFrom(text);
      if (!Number.isNaN(bytes)) return viewer.beside.resize(id, bytes);
      viewer.words.tell(`“${text.slice(0, 20)}” is no size; write it as 12345 or 12.3 kB`, true);
      viewer.render();
    },
    swap(id, next) {
      const rated = atRate(next, ownRateOf(id));
      /** @type {Record<string, string>} */
      const other = { [id]: rated, [rated]: id }; // one that is there already changes places
      viewer.set({ panes: viewer.state.panes.map((one) => other[one] ?? one) });
      viewer.questions.ask();
    },
    size: (id) => viewer.sizing.open(id),
    /** The same picture at another size: it stays in its place, and where it was chosen it still is. */
    exchange(id, next) {
      viewer.records.follow(id, next);
      viewer.set(replaced(viewer.state, id, next));
      viewer.questions.ask();
    },
    close(id) {
      const { panes } = viewer.state;
      if (panes.length < 2) return;
      viewer.set({ panes: panes.filter((one) => one !== id) });
      viewer.stage.focus();
      viewer.words.tell(`${viewer.records.labelOf(id)} removed`);
    },
  };
}
