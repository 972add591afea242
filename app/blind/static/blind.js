/** The page of a blind test: for its host, for raters, and for what they see at the end. */

import { find, make, makeButton } from "../../shared/dom.js";
import { counted } from "../../shared/phrases.js";
import { sha256 } from "../../shared/sha256.js";
import { storageOf } from "../../shared/storage.js";
import { resultOf, saveButton } from "./ending.js";
import { showHost } from "./hosting.js";
import { Sitting } from "./sitting.js";
import { ask, whereabouts } from "./talk.js";
import { Trials, keysDialog } from "./trial.js";

/** @typedef {{rater: string, trials: BlindTrial[], finished: boolean, unequal: number}} Joined */

const root = find(document.body, "#blind");
const { test, host } = whereabouts();
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", dress);
dress();
open();

async function open() {
  const state = /** @type {HostState} */ (await ask("state", host ? { test, host } : { test }));
  const sitting = new Sitting(test, storageOf("localStorage"));
  if (state.error && !state.state) return showGone(state.error, sitting);
  if (host) return showHost(root, { test, host }, state);
  if (state.state === "preparing" || state.state === "failed") return showGone("This test is not ready.", sitting);
  if (state.state === "closed" && sitting.next) return finish(state, sitting);
  // Whoever has answered all needs no pictures any more, and gets the result without them.
  if (sitting.next >= state.trials) return finish(state, sitting);
  if (sitting.next) return join(state, sitting);
  if (state.refused && !sitting.rater) return showGone(state.refused, sitting);
  showStart(state, () => join(state, sitting));
}

/** Take a seat, or the one that this browser has; only looking at the page takes none.
 * @param {BlindState} state @param {Sitting} sitting */
async function join(state, sitting) {
  const joined = /** @type {Joined & {error?: string}} */ (await ask("join", { test, rater: sitting.rater }));
  if (joined.error) return showGone(joined.error, sitting);
  if (!sitting.join(joined.rater)) return location.reload();
  if (joined.finished) return finish(state, sitting);
  const told = sitting.next || joined.unequal === state.unequal;
  if (told) return begin(state, joined, sitting);
  // Somebody else took the seat that this was said of.
  showStart({ ...state, unequal: joined.unequal }, () => begin(state, joined, sitting));
}

/** @param {string} screen @param {(Node | string)[]} parts */
function show(screen, ...parts) {
  root.dataset.screen = screen;
  root.replaceChildren(make("section", { class: "sheet" }, ...parts));
}

/** What a rater must know, in a few sentences, before the first trial.
 * @param {BlindState} state @param {() => void} start */
function showStart(state, start) {
  const { unequal } = state;
  const stored = "When you finish, your answers are stored on this server for whoever runs the test, under a name drawn by lot. With each answer go the seconds it took, the time of day, the zoom, how often you flipped, and the size and pixel ratio of your screen; no address, name or browser is stored. Beginning means that you agree.";
  const kept = state.alone || state.each
    ? "Your answers stay in this browser; at the end the server works the result out of them and keeps nothing."
    : "Your answers stay in this browser; at the end you save them as a file for whoever runs the test.";
  const apart = `In ${counted(unequal, "trial")} the two files differ in size by more than 3 %, or nobody knows by how much; the result says in which.`;
  const begin = makeButton({ class: "main", onclick: start }, "Begin");
  show(
    "start",
    make("h1", {}, state.question),
    make("p", {}, `${state.trials} times you see two versions of a picture, left and right. Flip between them, look at the original, zoom in, and answer: left, right, or not sure. Most people take less than ten minutes; you can stop and go on later.`),
    make("p", {}, make("kbd", {}, "Space"), " flips, ", make("kbd", {}, "O"), " shows the original, ", make("kbd", {}, "1"), " ", make("kbd", {}, "2"), " ", make("kbd", {}, "0"), " answer left, right, not sure. On a phone there are buttons for all of it; pinch to zoom."),
    ...(unequal ? [make("p", { class: "apart" }, apart)] : []),
    make("p", { class: "consent" }, state.stored ? stored : kept),
    make("p", { class: "row" }, begin, makeButton({ onclick: () => find(root, "dialog.keys", HTMLDialogElement).showModal() }, "All keys")),
    keysDialog(),
  );
  begin.focus();
}

/** @param {BlindState} state @param {Joined} joined @param {Sitting} sitting */
function begin(state, joined, sitting) {
  root.dataset.screen = "trial";
  new Trials(root, {
    state, trials: joined.trials, sitting,
    done: () => finish(state, sitting),
    leave: (early) => (early && sitting.next ? finish(state, sitting) : leave(state)),
  });
}

/** Whoever came from the pictures goes back to them. @param {BlindState} state */
function leave(state) {
  if (state.alone) return goBack();
  show("left", make("h1", {}, "See you"), make("p", {}, "Your answers are kept in this browser. Open the same link again to go on."), make("p", { class: "row" }, makeButton({ onclick: () => location.reload() }, "Go on now")));
}

function goBack() {
  if (document.referrer.startsWith(location.origin) && history.length > 1) history.back();
  else location.assign("../../");
}

/** All is answered: hand in what this server wants, and show what may be seen by now.
 * @param {BlindState} state @param {Sitting} sitting */
async function finish(state, sitting) {
  show("loading", make("p", { role: "status" }, "Working out the result…"));
  const { rater, answers } = sitting;
  // Only the folder and the ranking need answers; others are not sent before they may be named.
  const sends = state.alone || state.stored || state.each || state.state === "closed";
  const result = /** @type {BlindResult} */ (await ask(sends ? "finish" : "count", sends ? { test, rater, answers } : { test, rater, sealed: sha256(sitting.sealed()) }));
  if (result.error) return showUnfinished(result.error, state, sitting);
  const head = make("h1", { tabindex: -1 }, result.shown ? "The result" : "Thank you");
  const back = state.alone ? [makeButton({ onclick: goBack }, "Back to the pictures")] : [];
  const named = result.shown ? [saveButton("Save as CSV", result.file ?? "votes.csv", result.csv ?? "")] : [];
  const must = !result.shown && (!state.stored || result.said);
  const sealed = must ? [saveButton("Save your answers", `blind-${rater.slice(0, 8)}.json`, sitting.sealed(), "application/json")] : [];
  const thanks = must
    ? "Save your answers, and give the file to whoever runs the test. It names nothing that you saw: only their page can."
    : "Your answers are handed in.";
  const later = state.state === "closed" ? "" : "When the test is closed, this link shows what you saw and what you chose.";
  const words = (result.shown ? [result.said ?? ""] : [thanks, later, result.said ?? ""]).filter(Boolean);
  show("end", head, ...words.map((one) => make("p", {}, one)), ...(result.shown ? resultOf(result) : []), make("p", { class: "row" }, ...named, ...sealed, ...back));
  head.focus();
}

/** @param {string} words @param {BlindState} state @param {Sitting} sitting */
function showUnfinished(words, state, sitting) {
  show("gone", make("h1", {}, "Not handed in"), make("p", { role: "alert" }, words), make("p", { class: "row" }, makeButton({ class: "main", onclick: () => finish(state, sitting) }, "Try again"), saveButton("Save your answers", "blind-answers.json", sitting.sealed(), "application/json")));
}

/** @param {string} words @param {Sitting} sitting */
function showGone(words, sitting) {
  const kept = sitting.next ? [make("p", {}, `${counted(sitting.next, "answer")} of yours are in this browser.`), make("p", { class: "row" }, saveButton("Save your answers", "blind-answers.json", sitting.sealed(), "application/json"))] : [];
  show("gone", make("h1", {}, "Blind test"), make("p", { role: "alert" }, words), ...kept, make("p", { class: "row" }, makeButton({ onclick: goBack }, "To the pictures")));
}
