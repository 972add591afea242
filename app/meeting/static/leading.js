/** Who leads a meeting: what is on the screen goes to the server, the newest of it at most ten times a second. */

import { recall, remember, storageOf } from "../../shared/storage.js";
import { isCoded } from "../../viewer/static/opened.js";
import { wantedOf } from "./ahead.js";
import { viewOf } from "./crops.js";

const PLACE = "mode-lead";
const APART_MS = 100;
const SIGN_MS = 3000;
const LONGEST_MS = 15_000;
const RELOAD_MS = 2000; // a page that is loaded again waits for what it has held itself
const ELSEWHERE = "This meeting is led from another tab of this browser; lead it from there";
const NO_FILE = "Followers cannot be shown a .mode file; they keep what they had";

/** @typedef {{meeting: string, secret: string}} Led */

export class Leading {
  /** @param {Viewer} viewer @param {import("./walk.js").Walk} walk @param {() => void} changed */
  constructor(viewer, walk, changed) {
    this.viewer = viewer;
    this.walk = walk;
    this.changed = changed;
    this.storage = storageOf("sessionStorage");
    this.led = /** @type {Led | null} */ (null);
    this.here = 0;
    this.dot = false;
    this.words = "";
    this.sent = ""; // what followers have been told
    this.told = ""; // of which pictures
    this.timer = 0;
    this.fails = 0;
    this.refused = ""; // why followers were not told the view of now
    this.signs = false; // whether a sign goes before the next view
    this.busy = false;
    this.letGo = () => {};
    viewer.watchers.add(() => this.notice());
    addEventListener("pagehide", () => this.led && navigator.sendBeacon(this.address, this.body("leave")));
    addEventListener("pageshow", ({ persisted }) => persisted && this.notice());
  }

  get address() {
    return this.viewer.exchange.address("mode/meeting");
  }

  get link() {
    return `${this.viewer.exchange.host.root}#meet=${this.led?.meeting}`;
  }

  /** @param {string} what @param {object} [more] */
  body(what, more = {}) {
    return JSON.stringify({ do: what, ...this.led, ...more });
  }

  /** The meeting that this tab led before it was loaded again. @param {string} id of no other one, if named */
  resume(id = "") {
    const [meeting, secret] = recall(this.storage, PLACE).split(" ");
    if (!secret || (id && id !== meeting)) return false;
    if (this.led?.meeting !== meeting) this.begin({ meeting, secret });
    return true;
  }

  /** Whether there is a meeting now. */
  async open() {
    const { meeting, secret, error } = await this.viewer.exchange.send("meeting", JSON.stringify({ do: "open" }));
    if (meeting && secret) await this.begin({ meeting, secret });
    else this.words = error ?? "";
    this.changed();
    return Boolean(this.led);
  }

  async begin(/** @type {Led} */ led) {
    if (!(await this.hold(led.meeting))) {
      this.words = ELSEWHERE;
      return this.changed();
    }
    this.led = led;
    remember(this.storage, PLACE, `${led.meeting} ${led.secret}`);
    Object.assign(this, { here: 0, words: "", sent: "", told: "", fails: 0, refused: "", signs: false });
    this.plan(0);
    this.changed();
  }

  /** Whether no other tab leads it: the secret of a tab goes to its copies, too. @param {string} meeting
   * @returns {Promise<boolean>} */
  hold(meeting) {
    const { locks } = navigator;
    if (!locks) return Promise.resolve(true);
    const kept = /** @type {Promise<void>} */ (new Promise((done) => (this.letGo = done)));
    const signal = AbortSignal.timeout(RELOAD_MS);
    return new Promise((take) => {
      const held = () => (take(true), kept);
      // Where a page may hold no locks at all, it leads without one.
      locks.request(`${PLACE}-${meeting}`, { signal }, held).catch(({ name }) => take(name !== "TimeoutError"));
    });
  }

  async end() {
    const body = this.body("end");
    this.forget("");
    await this.viewer.exchange.send("meeting", body);
  }

  forget(/** @type {string} */ words) {
    clearTimeout(this.timer);
    this.led = null;
    this.letGo();
    this.dot = false;
    this.words = words;
    remember(this.storage, PLACE, "");
    this.changed();
  }

  /** Something is to be told, soon; what comes until then is told with it. */
  notice() {
    if (this.led && !this.busy && !this.fails) this.plan(APART_MS);
  }

  plan(/** @type {number} */ ms) {
    const due = performance.now() + ms;
    if (this.timer && this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.send(), ms);
  }

  due = 0;

  async send() {
    this.timer = 0;
    if (!this.led) return;
    const { led } = this;
    const shown = shownBy(this.viewer, this.walk, this.dot);
    const text = JSON.stringify(shown);
    const told = toldOf(this.viewer, this.walk);
    const fresh = told !== this.told;
    const news = shown && !this.signs && (fresh || text !== this.sent);
    this.busy = true;
    const body = news ? this.body("show", { shown, fresh }) : this.body("sign");
    const { here, error, over } = await post(this.address, body);
    this.busy = false;
    if (this.led !== led) return; // another one by now, or none
    if (over) return this.forget(error ?? "");
    const before = `${this.here} ${this.words}`;
    this.fails = here === undefined && !error ? this.fails + 1 : 0;
    this.signs = Boolean(error); // the view may be what is wrong, and the meeting goes on
    if (here !== undefined) {
      this.here = here;
      if (news) Object.assign(this, { sent: text, told });
    }
    if (error) this.refused = error;
    else if (news || !this.isNew()) this.refused = "";
    this.words = this.fails ? "The server does not answer; trying again" : this.refused || (this.viewer.state.file ? NO_FILE : "");
    if (before !== `${this.here} ${this.words}`) this.changed();
    const again = news && !error && this.isNew() ? APART_MS : SIGN_MS;
    this.plan(this.fails ? Math.min(LONGEST_MS, 1000 * 2 ** this.fails) : again);
  }

  /** Whether something has changed while the last view was on its way. */
  isNew() {
    return JSON.stringify(shownBy(this.viewer, this.walk, this.dot)) !== this.sent || toldOf(this.viewer, this.walk) !== this.told;
  }
}

/** @param {string} address @param {string} body @returns {Promise<Sent>} an error only where the server has said it */
async function post(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", body });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

/** What is on the screen, as followers are told it; null where they cannot be.
 * @param {Viewer} viewer @param {import("./walk.js").Walk} walk @param {boolean} points */
function shownBy(viewer, walk, points) {
  const { seen, stage, state, share, records, whole } = viewer;
  const front = stage.front();
  if (!front || state.file || !seen.scale || !state.panes.length) return null;
  const { pointer } = stage;
  const { width, height } = front.picture;
  const dot = points && pointer ? [pointer.place.x / width, pointer.place.y / height] : null;
  const crop = walk.current;
  const all = records.list(state.panes);
  return {
    ...wantedOf(state),
    hash: `#${viewOf(seen, share)}`,
    reach: [front.frame.width / seen.scale, front.frame.height / seen.scale],
    held: stage.held ?? "",
    dot: dot?.every((one) => one >= 0 && one <= 1) ? dot : null,
    ...(crop && { title: crop.name, note: crop.note, at: walk.at + 1, of: walk.crops.length }),
    numbers: whole ? null : Object.fromEntries(all.filter(({ id, view }) => isCoded(id) && view).map(({ id, view }) => [id, view])),
    failed: all.filter(({ state: how }) => how === "failed").map(({ id }) => id),
    ahead: walk.ahead.answer ? walk.ahead.wanted : null,
  };
}

/** What the server is to look up anew for followers. @param {Viewer} viewer @param {import("./walk.js").Walk} walk */
function toldOf({ state, records }, { ahead }) {
  const panes = records.list(state.panes).map(({ id, url, state: how, metrics }) => [id, url, how, Object.keys(metrics ?? {}).length]);
  return JSON.stringify([wantedOf(state), panes, ahead.answer && ahead.wanted, ahead.answer?.panes.map(({ url }) => url)]);
}
