/** Which picture of a trial is shown, by what is tapped or held; and how often the two were exchanged. Pure. */

/** Held for longer, a picture is there until it is let go; a tap leaves it there. */
export const TAP_MS = 300;

export class Flipping {
  constructor() {
    this.side = /** @type {Side} */ ("left"); // what is shown when nothing is held
    this.shown = /** @type {Face} */ ("left");
    this.last = /** @type {Side} */ ("left"); // the side that was seen last
    this.flips = 0;
    this.seen = /** @type {Set<Face>} */ (new Set());
    this.held = /** @type {{back: Face, since: number} | null} */ (null);
  }

  get other() {
    return this.side === "left" ? "right" : "left";
  }

  /** Whether both candidates have been on the screen. */
  get knowsBoth() {
    return this.seen.has("left") && this.seen.has("right");
  }

  /** Show one side, and stay there. @param {Side} side */
  turn(side) {
    this.held = null;
    this.side = side;
    this.show(side);
  }

  /** The other side, or the original, from now on. @param {"other" | "original"} what @param {number} now */
  press(what, now) {
    if (this.held) return;
    const back = this.shown;
    if (what === "original") this.show(back === "original" ? this.side : "original");
    else this.show(back === "original" ? this.side : this.other);
    this.held = { back, since: now };
  }

  /** What was pressed is let go. @param {number} now */
  release(now) {
    if (!this.held) return;
    const { back, since } = this.held;
    this.held = null;
    if (now - since >= TAP_MS) this.show(back);
    else if (this.shown !== "original") this.side = this.shown;
  }

  show(/** @type {Face} */ face) {
    this.shown = face;
    if (face === "original" || face === this.last) return;
    this.last = face;
    this.flips += 1;
  }

  /** What was asked for is on the screen now; `both` where left and right stand beside each other.
   * @param {boolean} both */
  painted(both) {
    for (const face of both ? /** @type {Side[]} */ (["left", "right"]) : [this.shown]) this.seen.add(face);
  }
}
