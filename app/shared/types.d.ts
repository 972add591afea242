/** Shapes that modules pass to each other, known in all of them. Only the type checker reads this file. */

// Places and sizes of the viewer
/** Centre as fractions of the picture. */
type View = { cx: number; cy: number; scale: number };
type Size = { width: number; height: number };
/** What is to be in view, whatever the frame is: all of the picture, or all that another frame shows of it. */
type Wished = { fit: boolean; reach?: Size | null };
type Place = { x: number; y: number };
type Region = Place & Size;
type Box = [x: number, y: number, width: number, height: number];
/** A picture, in its own pixels, and the frame it is seen in, in those of the screen. */
type Framed = { picture: Size; frame: Size };
/** In pixels of the picture, and as shares of the frame. */
type Pointer = { place: Place; share: Place };
type Picture = Size & { bitmap: ImageBitmap; small: ImageBitmap | null };

// What the server knows beforehand; app/viewer/component.py says what each field is
type Named = { id: string; label: string; group?: string };
type Choice = Named & { codec: string; anchor: string; terms?: string };
type Blend = { codec: string; label: string; fidelity: string; perception: string; prefix: string };
type Metric = {
  key: string;
  about: string;
  label: string;
  unit: string;
  better: "higher" | "lower" | "";
  digits: number;
  in_view: "" | "wide" | "always";
};
/** For each codec, lines from no pixels to the most there can be: pairs of megapixels and seconds. */
type Pace = Record<string, { encode?: number[][]; decode?: number[][] }>;
type Limits = { bpp: [number, number]; panes: number; coded: number; crops: number; unequal: number; large: number; scaled: number };
type Spot = [name: string, cx: number, cy: number, scale: number];
type Sample = { id: string; title: string; credit: string; spots: Spot[] };
type Catalogue = {
  samples: Sample[];
  choices: Choice[];
  blends: Blend[];
  metrics: Metric[];
  limits: Limits;
  figure: FigureLimits;
};
/** What a figure for a paper can be, and what it is unless somebody chooses. */
type FigureLimits = {
  width: [number, number];
  texts: number[];
  panes: number;
  options: import("../viewer/static/figure.js").Options;
};
/** The preview of a figure: its size in print, in inches, how wide a cell is, and what may be changed. */
type FigureShown = { png: string; alt: string; inches: number[]; cell: number; dpi: number; hints: string[] };
/** What the server says of the weights that it has by now. */
type News = { stamp: string; catalogue: Catalogue };

// What the server answers: the panes of a comparison, at one moment
/** JSON knows no infinity. */
type Value = number | "inf" | null | undefined;
/** Metrics by their keys. */
type Values = Record<string, number | "inf">;
/** The best value of each metric, where there is a contest. */
type Best = Record<string, Value>;
/** Metrics of what is in view, by the keys of panes. */
type Found = Record<string, { metrics: Values }>;
type PaneAnswer = {
  id: string;
  label: string;
  state: "waiting" | "ready" | "failed";
  url: string;
  codec?: string;
  anchor?: string;
  file_url?: string;
  key?: string;
  sha256?: string;
  bpp: number | null;
  /** The rate that it was asked for by itself; null where it follows the common one. */
  own_bpp?: number | null;
  bytes: number | null;
  bytes_text?: string;
  deviation?: number | null;
  encode_ms?: number | null;
  decode_ms?: number | null;
  /** On what machine, and beside what, the times were taken. */
  timing?: string;
  note?: string;
  whose?: string;
  licence?: string;
  error?: string;
  /** Whether it was made elsewhere: then only what somebody has said is known of its file. */
  opened?: boolean;
  begun?: boolean;
  /** What has begun, or will, decodes a file that is there. */
  decodes?: boolean;
  expected_s?: number | null;
  metrics?: Values;
  missing?: Record<string, string>;
};
/** A storage of the browser, or what stands in for it. */
type Keeps = Pick<Storage, "getItem" | "setItem">;
/** A pane of a picture that was made elsewhere, before the server shows it. */
type Facts = { id: string; label: string; bytes_text: string };
/** An image among files that came together; `photo` is its original's key once that has been open. */
type ImageFacts = Size & { name: string; original: boolean; pictures: number; photo?: string };
/** What comes back for something that was sent. */
type Sent = Partial<FigureShown> & { key?: string; text?: string; blob?: Blob; error?: string; meeting?: string; secret?: string; here?: number; over?: boolean };
type Answer = Size & {
  page: string;
  seq: number;
  image: string;
  notes: string[];
  has_original: boolean;
  bpp: number;
  panes: PaneAnswer[];
  note: string;
  position: number | null;
  wait_s?: number | null;
  /** Whether other visitors come first, and not only what the server does by itself or is stopping. */
  others?: boolean;
  pace?: Pace | null;
  done: boolean;
  error?: string;
  /** What was asked about has left the server's memory: asking again does not bring it back. */
  gone?: boolean;
};
/** A pane as the page keeps it: `view` are the metrics of what is in view, `before` is painted until
 * its own picture is there, `aside` says that its size is its own, and not that of the others. */
type PaneRecord = PaneAnswer & { words?: string; aside?: boolean; view?: Values; since?: number; before: Picture | null };

// The viewer
/** What a link holds; pins are crops of this picture, as [cx, cy, scale]. */
type Linked = View & {
  /** Show the whole picture, whatever the frame is. */
  fit: boolean;
  image: string;
  bpp: number;
  anchor: number;
  mode: string;
  panes: string[];
  pick: string;
  a: string;
  b: string;
  split: number;
  against: string;
  map: string;
  gain: number;
  signed: boolean;
  smooth: boolean;
  loupe: boolean;
  minimap: boolean;
  captions: boolean;
  pins: number[][];
};
/** The whole state: with the picture's file, name and size, and what was said of it on the way in. */
type State = Readonly<
  Linked & { file: string; name: string; size: Size | null; notes: string[]; flipping: boolean; reach: Size | null }
>;
type ViewerHost = {
  element: HTMLElement;
  catalogue: Catalogue;
  first: Answer;
  stamp: string;
  root: string;
  request: (detail: object) => void;
  open: (detail: object) => void;
  arrived: () => void;
  server: {
    region: (...query: any[]) => Promise<Found | null>;
    cancel: (page: string, seq: number) => Promise<null>;
  };
  watch: (take: (value: Answer) => void) => void;
};
/** What gestures need of a place where pictures are looked at. */
type Looking = {
  stage: {
    root: HTMLElement;
    target: (canvas: HTMLCanvasElement) => Framed | null;
    point: (pointer: Pointer | null) => void;
  };
  state: { mode: string; split: number };
  seen: View;
  setView: (view: View) => void;
  actions: Actions;
};
/** By name, as keys.js and the buttons call them. */
type Actions = Record<string, (...given: any[]) => any>;
/** Show another codec in a pane, close it, show it everywhere while it is held. */
type PaneActions = {
  swap: (id: string, next: string) => void;
  close: (id: string) => void;
  hold: (id: string | null) => void;
  /** Choose how large its file is to be. */
  size: (id: string) => void;
  /** The visitor has typed how large the pane's file is. */
  resize: (id: string, text: string) => void;
};
/** A column of the table of numbers; `waits` says whether a value is still to come, `why` and `title` what
 * there is to know of a record's value and of all. */
type Column = {
  head: string;
  better: Metric["better"];
  value: (record: PaneRecord) => Value;
  text: (value: Value, record: PaneRecord) => string;
  waits: (record: PaneRecord) => boolean;
  why?: (record: PaneRecord) => string | undefined;
  title?: (records: PaneRecord[]) => string;
};

// Meetings
/** A view of the list that is walked through: what its link holds, and what people call it. */
type Crop = { name: string; note: string; view: string };
/** What the server is asked for. */
type Wanted = { picture: string; panes: string[]; bpp: number };
/** What who leads shows, as followers are told it; app/meeting/shown.py says what each field is. */
type ShownView = {
  hash: string;
  reach: [number, number];
  held: string;
  dot: [number, number] | null;
  title: string;
  note: string;
  at: number;
  of: number;
  numbers: Record<string, Values> | null;
};
/** What a follower hears. */
type Told = {
  over: string;
  full?: boolean;
  here: number;
  away: boolean;
  shown: ShownView | null;
  answer?: Answer | null;
  ahead?: string[];
};

// The rate-distortion plot
type Style = { light: string; dark: string; symbol: string; dash: string };
type Curve = {
  key: string;
  group: string;
  label: string;
  codec: string;
  anchor: string;
  image: string;
  kind: "ours" | "theirs" | "now" | "opened" | "picture" | "published" | "yours" | "live" | "stored";
  dataset: string;
  source: string;
  note: string;
  licence: string;
  kept: string[];
  on: boolean;
  images: number[];
  at: string[];
  style: Style;
};
/** In the plane `x` is no rate: `customdata` has those. */
type Trace = { x: number[]; y: number[]; customdata?: number[] };
type Point = { curve: Curve; c: number; p: number; x: number; bpp: number; value: number };
/** One codec's files from anchor to anchor: keys of curves, and where the anchors lie between the ends. */
type PlotPath = { label: string; keys: string[]; anchors: string[]; same: boolean };
/** [low, high] of both axes, as logarithms on a log axis. */
type Ranges = { x: number[]; y: number[] };
type Axis = {
  key: string;
  label: string;
  short: string;
  title: string;
  unit: string;
  better: Metric["better"];
  digits: number;
  column: string;
  lpips_net: string;
};
type BdRow = {
  key: string;
  kind: Curve["kind"];
  label: string;
  source: string;
  origin: string;
  refused: string;
  rate: string;
  overlap: string;
};
type FileReport = {
  name: string;
  error: string;
  summary: string;
  elsewhere: { dataset: string; metric: string } | null;
};
type PlotAnswer = {
  dataset: string;
  metric: string;
  view: "rate" | "plane";
  choices: { datasets: Named[]; metrics: Named[]; across?: Named[]; up?: Named[] };
  axis: Axis;
  /** In the plane: the other axis, its rate, why curves are not there, and ways through anchors. */
  across?: Axis;
  plane?: { at: number; rates: Named[]; absent: Record<string, string>; paths: PlotPath[] };
  caption: string;
  /** Whether the picture alone was measured at too few rates for a BD-rate. */
  few?: boolean;
  figure: { data: Trace[]; layout: any };
  curves: Curve[];
  files: FileReport[];
  notes: string[];
  bd: { references: Named[]; reference: string; note: string; rows: BdRow[] };
};
type UserFile = { name: string; size: number; text: string; error?: string };
type PlotLimits = { files: number; file_bytes: number; metrics: string[] };
/** What the controls say; `on` and `off` are legend entries that somebody has ticked or not, `zoom` are
 * the ends of both axes, as [low, high] each, where somebody has zoomed by hand. */
type PlotState = {
  dataset: string;
  metric: string;
  reference: string;
  log: boolean;
  range: string;
  zoom: number[][];
  /** Whether the picture's points stand over means, and its own curves with them. */
  marks: boolean;
  own: boolean;
  view: string;
  x: string;
  y: string;
  at: number;
  on: string[];
  off: string[];
};
type PlotHost = {
  element: HTMLElement;
  root: string;
  plotly: string;
  limits: PlotLimits;
  start: Pick<PlotState, "dataset" | "metric" | "x" | "y">;
  server: { rd_view: (wish: object) => Promise<PlotAnswer> };
};
/** What the viewer tells of the picture on screen. */
type Shown = { image?: string; rows?: { id: string; bpp: number }[]; visited?: object[] };

// The blind test
/** What a picture of a trial is; which candidate stands there nobody knows before the end. */
type Side = "left" | "right";
type Face = Side | "original";
/** The names of its pictures say nothing; `spot` is where it opens, null for the whole picture. */
type BlindTrial = Record<Face, string> & Size & { spot: [number, number, number] | null };
type BlindState = {
  state: "preparing" | "open" | "closed" | "failed";
  question: string;
  trials: number;
  alone: boolean;
  /** Whether raters see their own result before the test is closed. */
  each: boolean;
  /** Whether answers go to a folder of the operator's. */
  stored: boolean;
  /** Why nobody can join any more, if so. */
  refused: string;
  /** In how many trials of the next rater the sizes differ. */
  unequal: number;
  error?: string;
};
type HostState = BlindState & {
  done: number;
  steps: number;
  position: number | null;
  wait_s: number;
  joined: number;
  finished: number;
  /** Why the operator's folder takes no answers of this test. */
  unkept: string;
};
/** One answer as it is sent: `side` tells that both stood side by side, `ratio` is the device's. */
type BlindAnswer = {
  answer: Side | "unsure";
  seconds: number;
  flips: number;
  zoom: number;
  ratio: number;
  screen: string;
  side: boolean;
  time: string;
};
type BlindField = { rows: string[][]; about: string[]; metrics: string[][]; metric_head: string[] };
type BlindResult = {
  shown: boolean;
  error?: string;
  said?: string;
  unranked?: string;
  /** a sentence on each file of a rater that is left out */
  faults?: string[];
  about?: string[];
  head?: string[];
  fields?: BlindField[];
  licences?: string[];
  csv?: string;
  file?: string;
  checks?: number;
  right?: number;
  /** trial, kind, picture, left, right, answer, unequal bytes */
  own?: string[][];
};

/** A field of an address; older links may hold it under the name that it `was` known by. */
type Field<T> = { read: (text: string, fallback: T) => T; write: (value: T) => string; was?: string };

// Classes of one module each, passed to others
type Viewer = import("../viewer/static/viewer.js").Viewer;
type Explorer = import("../explorer/static/explorer.js").Explorer;
type Share<S extends object> = import("./link.js").Share<S>;
type Pane = ReturnType<typeof import("../viewer/static/panes.js").makePane>;

// Perceptual maps
/** A map of a region at every n-th pixel. */
type WantedMap = Region & { every: number; reference: Picture; picture: Picture };
type MadeMap = WantedMap & { bitmap: ImageBitmap; mean: number; at: number };
/** What the worker is sent: parts of two pictures, how large they become, and which box of that is mapped. */
type MapTask = { reference: ImageBitmap; key: string; picture: ImageBitmap; size: Size; box: Region; ppd: number };
/** What a pane's map is drawn against, and the mean of a perceptual one. */
type Compared = { text: string; mean?: string; title?: string };
