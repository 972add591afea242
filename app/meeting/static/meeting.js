/** The meeting's part of the page: who leads, who follows, the list of crops, and the presenter's screen. */

import { find } from "../../shared/dom.js";
import { Share, id, words } from "../../shared/link.js";
import { counted } from "../../shared/phrases.js";
import { mounted } from "../../viewer/static/mounted.js";
import { LONGEST_LINK, fromLink } from "./crops.js";
import { Following } from "./following.js";
import { Leading } from "./leading.js";
import { Panel } from "./panel.js";
import { Screen } from "./screen.js";
import { Walk } from "./walk.js";

/** What a link brings along once: a meeting to follow, or a list of crops. */
const SHARE = new Share({ meet: id, crops: words(LONGEST_LINK + 1) }, { meet: "", crops: "" });

const LEADS = "You lead a meeting in this tab; end it, or open the link of the other one in another tab";

export async function mountMeeting(/** @type {{element: HTMLElement}} */ { element }) {
  const viewer = await mounted.viewer;
  const markup = /** @type {HTMLTemplateElement} */ (element.querySelector("template")).content.cloneNode(true);
  const parts = /** @type {DocumentFragment} */ (markup);
  viewer.root.insertBefore(find(parts, ".meeting-line"), viewer.stage.root);
  viewer.root.insertBefore(find(parts, ".crop-line"), viewer.stage.root.nextSibling);
  viewer.root.append(parts);
  const meeting = new Meeting(viewer);
  addEventListener("popstate", () => meeting.readLink(), true); // before the viewer, which would show what the rest says
  if (!(await meeting.readLink())) meeting.resume();
}

class Meeting {
  constructor(/** @type {Viewer} */ viewer) {
    const show = () => this.show();
    this.viewer = viewer;
    this.line = find(viewer.root, ".meeting-line");
    this.walk = new Walk(viewer);
    this.screen = new Screen(viewer, show);
    this.leading = new Leading(viewer, this.walk, show);
    this.following = new Following(viewer, show);
    this.panel = new Panel(viewer, this.walk, copied);
    this.walk.changed = () => {
      this.panel.fill();
      this.leading.notice();
      this.show();
    };
    this.walk.ahead.changed = () => this.leading.notice();
    viewer.watchers.add(() => this.showCrop());
    Object.assign(viewer.actions, this.actions());
    this.show();
  }

  /** @returns {Actions} */
  actions() {
    const { leading, following, panel, screen, viewer } = this;
    const { back } = viewer.actions;
    return {
      present: () => screen.toggle(),
      meeting: () => panel.show(),
      takeList: (files) => isList(files) && (panel.open(files[0]), true),
      back: () => this.goBack(back),
      lead: () => this.lead(),
      endMeeting: () => leading.end(),
      copyMeeting: () => this.copyLink(),
      around: () => (following.around ? following.comeBack() : following.lookAround()),
      leaveMeeting: () => following.leave(),
    };
  }

  /** Esc undoes what came last. @param {() => void} toGrid */
  goBack(toGrid) {
    const { following, screen } = this;
    if (following.around) return following.comeBack();
    if (screen.on) return screen.leave();
    if (!following.inStep) toGrid();
  }

  /** What a link asks for, which then leaves the address: it is this tab's from now on. */
  async readLink() {
    const { meet, crops } = SHARE.read(location.hash);
    if (!meet && !crops) return false;
    history.replaceState(history.state, "", SHARE.into(location.hash, SHARE.start));
    if (crops) {
      const read = await fromLink(crops, this.viewer.share);
      if (read.crops.length) this.walk.take(read.crops, -1);
      this.panel.show();
      this.panel.tell(read.words || `${counted(read.crops.length, "crop")} came with the link`);
    }
    const led = this.leading.led?.meeting;
    if (meet && led && led !== meet) this.viewer.words.tell(LEADS, true);
    else if (meet && !this.leading.resume(meet)) this.following.join(meet);
    return Boolean(meet);
  }

  /** A page that was loaded again goes on with what it did. */
  resume() {
    if (!this.leading.resume()) this.following.resume();
  }

  async lead() {
    this.following.leave();
    this.following.words = "";
    if (await this.leading.open()) await this.copyLink();
    else this.panel.tell(this.leading.words);
  }

  async copyLink() {
    const told = (await copied(this.leading.link)) ? "Link for followers copied" : "Copy the link for followers from here";
    this.panel.tell(told);
    this.viewer.words.tell(told);
  }

  /** The keys that are there at times only. */
  showKeys() {
    const { screen, leading, walk, viewer: { actions } } = this;
    const walking = (screen.on || Boolean(leading.led)) && walk.crops.length > 0;
    const at = /** @type {[string, boolean, (way: number) => void][]} */ ([
      ["walk", walking, (way) => walk.step(way)],
      ["title", screen.on, () => screen.turnTitle()],
      ["ground", screen.on, () => screen.turnGround()],
      ["dot", Boolean(leading.led), () => this.turnDot()],
    ]);
    for (const [name, is, act] of at) {
      if (is) actions[name] = act;
      else delete actions[name];
    }
    walk.prepare(walking);
  }

  turnDot() {
    const { leading } = this;
    leading.dot = !leading.dot;
    leading.notice();
    this.viewer.words.tell(leading.dot ? "Followers see where you point" : "Followers do not see where you point");
    this.show();
  }

  show() {
    this.showKeys();
    this.showLine();
    this.showLead();
    this.showCrop();
  }

  showCrop() {
    const { following, walk, screen } = this;
    const crop = walk.current;
    const own = crop && { at: walk.at + 1, of: walk.crops.length, title: crop.name, note: crop.note };
    screen.tell(following.inStep ? following.shown : own);
  }

  showLine() {
    const { leading, following, screen, line } = this;
    const { led } = leading;
    const text = led ? ledWords(leading) : followWords(following) || leading.words;
    const urgent = following.around || Boolean(following.words || leading.words);
    line.hidden = !text || (screen.on && !urgent);
    const status = find(line, "[role=status]");
    if (status.textContent !== text) status.textContent = text;
    line.classList.toggle("bad", Boolean(following.words || leading.words));
    const button = (/** @type {string} */ name) => find(line, `[data-do=${name}]`, HTMLButtonElement);
    for (const name of ["copyMeeting", "dot", "endMeeting"]) button(name).hidden = !led;
    for (const name of ["around", "leaveMeeting"]) button(name).hidden = !following.id;
    button("around").textContent = following.around ? "Come back" : "Look around";
    button("dot").ariaPressed = String(leading.dot);
  }

  /** The dialog's share. */
  showLead() {
    const { leading, panel: { dialog } } = this;
    const led = Boolean(leading.led);
    for (const part of dialog.querySelectorAll("[data-while=led]")) /** @type {HTMLElement} */ (part).hidden = !led;
    find(dialog, "[data-do=lead]").hidden = led;
    find(dialog, ".meeting-link", HTMLInputElement).value = led ? leading.link : "";
  }
}

/** @param {Leading} leading */
const ledWords = ({ here, words: wrong }) => [`Your meeting · ${here} ${here === 1 ? "follows" : "follow"}`, wrong].filter(Boolean).join(" · ");

/** @param {Following} following */
function followWords({ id: meeting, around, words: wrong, here, away, shown }) {
  if (!meeting) return wrong;
  const what = around ? "Looking around" : "Following";
  const crop = !around && shown?.of ? `${shown.at}/${shown.of} ${shown.title ?? ""}` : "";
  const state = wrong || (away ? "who leads is away" : shown ? "" : "waiting for who leads");
  return [what, here ? `${here} here` : "", state, crop].filter(Boolean).join(" · ");
}

/** @param {string} text */
const copied = async (text) => navigator.clipboard?.writeText(text).then(() => true, () => false) ?? false;

/** @param {File[]} files */
const isList = (files) => files.length === 1 && files[0].name.toLowerCase().endsWith(".json");
