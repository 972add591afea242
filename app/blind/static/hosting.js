/** The host's page: how many have joined and finished, the end, and then the joint result. */

import { find, make, makeButton, onFiles } from "../../shared/dom.js";
import { counted } from "../../shared/phrases.js";
import { resultOf, saveButton } from "./ending.js";
import { ask } from "./talk.js";

const POLL_MS = 2000;

/** @param {HTMLElement} root @param {{test: string, host: string}} who @param {HostState} state */
export function showHost(root, who, state) {
  root.dataset.screen = "host";
  const link = location.href.replace(/#.*/, "");
  const field = make("input", { type: "text", readonly: "", value: link, "aria-label": "Link for raters", onclick: () => field.select() });
  const copy = makeButton({
    onclick: async () => {
      field.select();
      const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
      tell(root, copied ? "Link copied" : "The browser allows no copying here; the link is marked");
    },
  }, "Copy");
  root.replaceChildren(make(
    "section", { class: "sheet" },
    make("h1", {}, "Your blind test"),
    make("p", {}, `“${state.question}” ${state.trials} trials for each rater. Give raters this link; yours, with which the test is closed, is the one in the address bar, so keep it.`),
    make("p", { class: "row" }, field, copy),
    make("p", { class: "row" }, make("a", { href: link, target: "_blank", rel: "noopener" }, "Rate yourself, in another tab")),
    make("p", { class: "count", role: "status" }),
    make("p", {}, state.stored ? "Answers are kept in the folder that this server’s operator has set." : `Answers stay with the raters: each saves a file at the end and gives it to you${state.unkept && ` (${state.unkept})`}.`),
    make("p", { class: "row closing" }, makeButton({ class: "main", onclick: () => sure(root, who) }, "Close the test…")),
    make("p", { class: "said", role: "alert" }),
    make("div", { class: "joint" }),
  ));
  if (state.state === "closed") showClosed(root, who, state);
  else follow(root, who);
  showCount(root, state);
}

function showCount(/** @type {HTMLElement} */ root, /** @type {HostState} */ { joined, finished }) {
  const words = `${counted(joined, "rater")} joined, ${finished} finished.`;
  const place = find(root, ".count");
  if (place.textContent !== words) place.textContent = words;
}

/** @param {HTMLElement} root @param {{test: string, host: string}} who */
function follow(root, who) {
  const timer = setInterval(async () => {
    const state = /** @type {HostState} */ (await ask("state", who));
    if (!root.querySelector(".closing button")) return clearInterval(timer);
    if (state.error) return tell(root, state.error);
    showCount(root, state);
  }, POLL_MS);
}

/** Closing cannot be undone, so it is asked for twice. @param {HTMLElement} root @param {{test: string, host: string}} who */
function sure(root, who) {
  const close = makeButton({
    class: "main",
    onclick: async () => {
      const state = /** @type {HostState} */ (await ask("close", who));
      if (state.error) return tell(root, state.error);
      showCount(root, state);
      showClosed(root, who, state);
    },
  }, "Close it");
  const not = makeButton({ onclick: () => find(root, ".closing").replaceChildren(makeButton({ class: "main", onclick: () => sure(root, who) }, "Close the test…")) }, "Not yet");
  find(root, ".closing").replaceChildren(make("span", {}, "Nobody can join or hand in after that. Close it?"), close, not);
  close.focus();
}

/** @param {HTMLElement} root @param {{test: string, host: string}} who @param {HostState} state */
function showClosed(root, who, state) {
  // By content: raters' browsers call their files what they like, and two may call them the same.
  const files = /** @type {Map<string, string>} */ (new Map());
  const input = make("input", { type: "file", multiple: "", accept: ".json,.csv", class: "files", "aria-label": "Files of raters" });
  const show = async (/** @type {string[]} */ unread = []) => {
    const sent = [...files].map(([text, name]) => ({ name, text }));
    const result = /** @type {BlindResult} */ (await ask("result", { ...who, files: sent }));
    tell(root, [...unread, ...(result.error ? [result.error] : result.faults ?? [])].join("; "));
    const save = result.csv ? [make("p", { class: "row" }, saveButton("Save all votes as CSV", "blind-votes.csv", result.csv))] : [];
    find(root, ".joint").replaceChildren(...(result.error ? [] : [make("h2", {}, "The joint result"), ...resultOf(result), ...save]));
    return !result.error;
  };
  find(root, ".closing").replaceChildren(make("strong", {}, "The test is closed."), make("label", {}, "Files of raters ", input));
  onFiles(input, root, "dropping", async (chosen) => {
    const read = await Promise.allSettled([...chosen].map(async (file) => [await file.text(), file.name]));
    const unread = read.flatMap(({ status }, at) => (status === "rejected" ? [`${chosen[at].name} cannot be read`] : []));
    const fresh = read.flatMap((one) => (one.status === "fulfilled" && !files.has(one.value[0]) ? [one.value] : []));
    for (const [text, name] of fresh) files.set(text, name);
    if (!(await show(unread))) for (const [text] of fresh) files.delete(text); // others get their try without them
  });
  if (state.stored && state.finished) show();
}

function tell(/** @type {HTMLElement} */ root, /** @type {string} */ words) {
  find(root, ".said").textContent = words;
}
