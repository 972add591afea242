/** What people take with them: a link to the screen, the table as text, a figure for a paper. */

import { saveAs } from "../../shared/dom.js";
import { isOpened } from "./opened.js";
import { boxOf, visibleRegion } from "./geometry.js";

const NEEDS_PHOTO = "A .mode file brings no original; open its photo for tables and figures";

/** What a figure shows: the pinned crops, or else what is in view; [x, y, width, height] each. */
function cropsOf(/** @type {Viewer} */ { state, seen, stage, catalogue }) {
  const front = stage.front();
  const views = state.pins.map(([cx, cy, scale]) => ({ cx, cy, scale })).slice(-catalogue.limits.crops);
  if (!front) return [];
  return (views.length ? views : [seen]).map((view) => boxOf(visibleRegion(view, front)));
}

/** Whether the browser lets a text be copied; in some there is nowhere to copy it to. @param {string} text */
const copy = async (text) => navigator.clipboard?.writeText(text).then(() => true, () => false);

/** @param {Viewer} viewer @returns {Actions} */
export function takeawayActions(viewer) {
  const { words, exchange } = viewer;
  /** The server's answer; undefined where there is none, which has been told of then. */
  const ask = async (/** @type {string} */ where, /** @type {object} */ more) => {
    if (viewer.state.file) return void words.tell(NEEDS_PHOTO, true);
    const keys = viewer.questions.coded().map(({ key }) => key);
    const wish = JSON.stringify({ picture: viewer.state.image, bpp: viewer.state.bpp, keys, ...more });
    const answer = await exchange.send(where, wish);
    if (!answer.error) return answer;
    words.tell(answer.error, true);
  };
  return {
    async copyTable(kind) {
      const answer = await ask("table", { kind });
      if (!answer) return;
      const copied = await copy(answer.text ?? "");
      words.tell(copied ? `Table of the whole picture copied as ${kind}` : "The browser allows no copying here");
    },
    async figure(kind) {
      words.tell("Drawing the figure…");
      const answer = await ask("figure", { kind, crops: cropsOf(viewer) });
      if (!answer?.blob) return;
      saveAs(`mode-figure.${kind}`, answer.blob);
      words.tell(`Figure saved as mode-figure.${kind}`);
    },
    async copyLink() {
      if (viewer.state.file) {
        return words.tell("A link cannot hold a .mode file; pass the file itself on", true);
      }
      viewer.writeAddress();
      const link = location.href;
      const told = (await copy(link)) ? "Link to this screen copied" : "The link is in the address bar";
      const own = !viewer.sample() || viewer.state.panes.some(isOpened);
      words.tell(own ? `${told}; it lasts as long as the server keeps your pictures` : told);
    },
  };
}
