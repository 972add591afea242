/** What moves the plot: its controls, what the viewer tells, the address, the theme. */

import { onLink } from "../../shared/address.js";
import { find } from "../../shared/dom.js";
import { hear, tell } from "../../shared/messages.js";

const SELECTS = ["dataset", "metric", "reference", "x", "y"];
const IDLE_MS = 2000;

export function listenToControls(/** @type {Explorer} */ explorer) {
  const { root, plot } = explorer;
  /** @param {string} name @param {string} event @param {(field: any) => void} act */
  const on = (name, event, act) => {
    const field = explorer.part(name);
    field.addEventListener(event, () => act(field));
  };
  for (const name of SELECTS) {
    on(name, "change", ({ value }) => explorer.ask({ [name]: value }, name === "reference"));
  }
  on("at", "change", ({ value }) => explorer.ask({ at: Number(value) }));
  on("log", "change", ({ checked }) => explorer.ask({ log: checked }));
  on("marks", "change", ({ checked }) => explorer.ask({ marks: checked }, true));
  on("own", "change", ({ checked }) => {
    explorer.set({ own: checked });
    plot.draw();
  });
  for (const name of ["measure", "few"]) on(name, "click", () => tell("mode:measure-curve"));
  on("path", "click", () => tell("mode:measure-curve", { anchors: true }));
  on("find", "input", () => explorer.showCurves());
  on("csv", "click", () => explorer.saveCsv());
  on("svg", "click", () => explorer.saveSvg());
  onButtons(explorer, "ranges", ({ range = "" }) => plot.zoom(range));
  onButtons(explorer, "views", ({ view = "" }) => explorer.ask({ view }));
  find(root, ".rd-points").addEventListener("toggle", () => explorer.showView());
}

/** @param {Explorer} explorer @param {string} part @param {(data: DOMStringMap) => void} act */
function onButtons(explorer, part, act) {
  explorer.part(part).addEventListener("click", ({ target }) => {
    if (target instanceof HTMLButtonElement) act(target.dataset);
  });
}

/** What the viewer tells, the address, the theme, and whether the plot is in sight. */
export function listenToPage(/** @type {Explorer} */ explorer) {
  const { root, plot } = explorer;
  hear("mode:measuring", root, (told) => explorer.sayMeasuring(told));
  hear("mode:result", root, (picture) => explorer.visit(picture));
  // Whichever of the two comes up last, the pictures' numbers are heard.
  tell("mode:ask-result");
  onLink(explorer);
  const page = new MutationObserver(() => explorer.readTheme());
  page.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  explorer.readTheme();
  // Megabytes of plotting wait until the plot is in sight and the pictures have been painted.
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, IDLE_MS / 4));
    idle(() => explorer.refresh(), { timeout: IDLE_MS });
  });
  seen.observe(plot.element);
  new ResizeObserver(() => plot.resize()).observe(plot.element);
}
