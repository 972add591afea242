/** What people take with them: a link to the screen, the table as text, a figure. */

import { isOpened } from "./opened.js";

const NEEDS_PHOTO = "A .mode file brings no original; open its photo for tables and figures";

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
    figure() {
      if (viewer.state.file) return words.tell(NEEDS_PHOTO, true);
      if (!viewer.questions.coded().length) return words.tell("No pane is ready for a figure yet", true);
      viewer.figuring.open();
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
