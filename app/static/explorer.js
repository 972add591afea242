// The rate-distortion page: controls, plot, BD-rates, points. Text only ever enters by textContent.

/** Build an element; text is text, never markup. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** The swatch of a legend entry: its dash and its marker. */
function swatch(style, theme) {
  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const colour = style[theme], open = style.symbol.endsWith("-open");
  const dash = {solid: "", dash: "6 3", dot: "2 3", dashdot: "6 2 2 2", longdash: "10 3", longdashdot: "9 2 2 2"}[style.dash];
  const root = svg("svg", {viewBox: "0 0 30 14", width: 30, height: 14, "aria-hidden": "true"});
  root.append(svg("path", {d: "M0,7H30", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash}));
  root.append(svg("path", {d: symbolPath(style.symbol), transform: "translate(8 0)", stroke: colour, fill: open ? "var(--rd-ground)" : colour, "stroke-width": 1.4}));
  return root;
}

/** Load a script of this server once; a second caller waits for the first. */
function loadPlotly(url) {
  window.modePlotly ??= new Promise((resolve, reject) => {
    const script = make("script", {src: new URL(url, document.baseURI).href});
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { window.modePlotly = undefined; reject(new Error("plotly did not load")); };
    document.head.append(script);
  });
  return window.modePlotly;
}

/** Offer a text or data URL as a download. */
function saveAs(name, content, type) {
  const url = type ? URL.createObjectURL(new Blob([content], {type})) : content;
  make("a", {href: url, download: name}).click();
  if (type) setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const RD_CONFIG = {displayModeBar: false, displaylogo: false, plotlyServerURL: "", showSendToCloud: false, modeBarButtonsToRemove: ["sendChartToCloud", "sendDataToCloud"], doubleClick: "autosize"};

/** Bring the page to life inside `element`. */
function mountExplorer(element, props, server) {
  const root = element.querySelector(".rd"), plot = root.querySelector("#rd-plot"), tip = root.querySelector(".rd-tip");
  const part = (name) => root.querySelector(`[data-rd="${name}"]`);
  const state = {dataset: "kodak", metric: "psnr", anchor: "", log: true, dark: false, own: true, preset: "usual", picture: {}, files: []};
  const chosen = new Map();
  let now = null, ranges = null, walk = null, asked = 0, drawing = Promise.resolve(), plotted = false;

  const say = (text) => { root.querySelector(".rd-status").textContent = text; };
  const shown = (curve) => isShown(curve, chosen, state.own);
  const theme = () => (state.dark ? "dark" : "light");
  const inView = () => pointsInView(now.curves, now.figure.data, shown, ranges, state.log);

  /** Ask the server for the state's view; an answer that was overtaken is dropped. */
  async function refresh(message = "") {
    const mine = ++asked;
    const {dataset, metric, anchor, log, dark, picture, files} = state;
    const answer = await server.rd_view({dataset, metric, anchor, log, dark, picture, files}).catch(() => null);
    if (mine !== asked) return;
    if (!answer?.figure) { say("The server did not answer; what you see is the last view."); return; }
    now = answer;
    Object.assign(state, {dataset: now.dataset, metric: now.metric, anchor: now.bd.anchor});
    fillChoices(); fillLegend(); fillBd(); fillFiles();
    part("notes").replaceChildren(...now.notes.map((note) => make("li", {}, note)));
    await draw();
    if (message) say(message);
  }

  function fillChoices() {
    const options = (items, value) => items.map(({id, label}) => make("option", {value: id, selected: id === value}, label));
    part("dataset").replaceChildren(...options(now.choices.datasets, now.dataset));
    part("metric").replaceChildren(...options(now.choices.metrics, now.metric));
    part("anchor").replaceChildren(...options(now.bd.anchors, now.bd.anchor));
    part("own-box").hidden = !now.curves.some((curve) => curve.kind === "picture");
    part("value-head").textContent = now.axis.label;
  }

  function fillLegend() {
    const titles = {ours: "Ours, measured here", yours: "Yours", published: "Published"};
    const wanted = part("find").value.trim().toLowerCase(), groups = new Map();
    for (const curve of now.curves) {
      const kind = curve.kind in titles ? curve.kind : "ours";
      if (!groups.has(curve.group) || curve.kind === "ours") groups.set(curve.group, {...curve, kind});
    }
    const sections = Object.entries(titles).map(([kind, title]) => {
      const entries = [...groups.values()].filter((curve) => curve.kind === kind && `${curve.label} ${curve.source}`.toLowerCase().includes(wanted)).sort((a, b) => b.on - a.on);
      return entries.length ? make("div", {role: "group", "aria-label": title}, make("p", {class: "rd-head"}, title, allButton(entries)), ...entries.map(legendEntry)) : "";
    });
    part("list").replaceChildren(...sections);
  }

  function legendEntry(curve) {
    const box = make("input", {type: "checkbox", checked: chosen.get(curve.group) ?? curve.on, onchange: () => { chosen.set(curve.group, box.checked); draw(); fillBd(); }});
    return make("label", {class: "rd-entry", title: [curve.source, curve.note].filter(Boolean).join("\n")}, box, swatch(curve.style, theme()), make("span", {}, curve.label), make("small", {}, curve.kind === "ours" ? "" : curve.source.split("/")[0]));
  }

  function allButton(entries) {
    const any = entries.some((curve) => chosen.get(curve.group) ?? curve.on);
    const flip = () => { entries.forEach((curve) => chosen.set(curve.group, !any)); fillLegend(); draw(); fillBd(); };
    return make("button", {type: "button", class: "rd-link", onclick: flip}, any ? "none" : "all");
  }

  function fillBd() {
    const on = new Set(now.curves.filter(shown).map((curve) => curve.key));
    part("bd-note").textContent = now.bd.note;
    part("bd").replaceChildren(...now.bd.rows.filter((row) => on.has(row.key)).map((row) =>
      row.refused
        ? make("tr", {}, bdName(row), make("td", {colspan: 2, class: "rd-refused"}, row.refused))
        : make("tr", {}, bdName(row), make("td", {}, row.rate), make("td", {}, row.overlap))));
  }

  function bdName(row) { return make("th", {scope: "row", title: row.source}, row.label, make("small", {}, row.origin)); }

  function fillFiles() {
    part("files").replaceChildren(...now.files.map((file, i) => make("li", file.error ? {class: "rd-error", role: "alert"} : {},
      `${file.name}: ${file.error || file.summary} `, make("button", {type: "button", class: "rd-link", onclick: () => { state.files.splice(i, 1); refresh(`${file.name} removed.`); }}, "remove"))));
  }

  /** Draw the answer with the curves that are on; drawings wait for each other. */
  function draw() { drawing = drawing.then(drawNow).catch((error) => { say(`The plot could not be drawn: ${error.message}`); }); return drawing; }

  async function drawNow() {
    if (!now || !plot.clientWidth) return;
    const Plotly = await loadPlotly(props.plotly);
    const {data, layout} = now.figure, visible = data.filter((_, i) => shown(now.curves[i]));
    if (state.preset !== "custom") ranges = rangesFor(visible, state.preset, state.log);
    const empty = !ranges && visible.length > 0;
    ranges ??= rangesFor(visible, "all", state.log);
    const axis = (base, range) => ({...base, ...(range ? {range: [...range], autorange: false} : {})});
    await Plotly.react(plot, data.map((trace, i) => ({...trace, visible: shown(now.curves[i])})), {
      ...layout, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", width: plot.clientWidth, height: plot.clientHeight,
      xaxis: {...axis(layout.xaxis, ranges?.x), ...ticksFor(layout.xaxis, plot.clientWidth, ranges?.x)}, yaxis: axis(layout.yaxis, ranges?.y),
    }, RD_CONFIG);
    if (!plotted) { plotted = true; listenToPlot(); }
    walk = null; hideTip(); fillPoints();
    root.querySelectorAll("[data-range]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.range === state.preset)));
    plot.setAttribute("aria-label", `${now.axis.title}, against rate: ${visible.length} curves`);
    say(empty ? `No curve here has points at or below ${RD_RANGES[state.preset]} bpp.` : `${visible.length} curves, ${now.axis.label}, ${inView().length} points in view.`);
  }

  function listenToPlot() {
    const at = (event) => ({curve: now.curves[event.points[0].curveNumber], c: event.points[0].curveNumber, p: event.points[0].pointNumber, bpp: event.points[0].x, value: event.points[0].y});
    plot.on("plotly_hover", (event) => showTip(at(event), event.event));
    plot.on("plotly_unhover", hideTip);
    plot.on("plotly_click", (event) => open(at(event)));
    plot.on("plotly_relayout", (change) => {
      if (change["xaxis.autorange"]) { state.preset = "all"; draw(); }
      else if ("xaxis.range[0]" in change || "yaxis.range[0]" in change) {
        const {xaxis, yaxis} = plot.layout;
        state.preset = "custom"; ranges = {x: [...xaxis.range], y: [...yaxis.range]};
        fillPoints(); say(`${inView().length} points in view.`);
        root.querySelectorAll("[data-range]").forEach((button) => button.setAttribute("aria-pressed", "false"));
      }
    });
  }

  function showTip(point) {
    const {xaxis, yaxis} = plot._fullLayout, box = plot.parentElement;
    tip.replaceChildren(...describePoint(point, now.axis).map((line, i) => make(i ? "span" : "strong", {}, line)));
    if (canOpen(point.curve)) tip.append(make("em", {}, "Click or Enter: open in the viewer"));
    tip.hidden = false;
    const x = xaxis._offset + xaxis.d2p(point.bpp), y = yaxis._offset + yaxis.d2p(point.value);
    const left = x + 14 + tip.offsetWidth > box.clientWidth ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, Math.min(y - 20, plot.clientHeight - tip.offsetHeight))}px)`;
  }

  function hideTip() { tip.hidden = true; }
  function canOpen(curve) { return ["ours", "picture", "now"].includes(curve.kind); }

  /** Tell the viewer to show this point; a mean over a dataset means the picture on screen. */
  function open({curve, bpp}) {
    if (!canOpen(curve)) { say(`${curve.label} is a published curve: there are no pictures to open.`); return; }
    const image = curve.image || String(state.picture.image ?? "");
    document.dispatchEvent(new CustomEvent("mode:open-point", {detail: {image, codec: curve.codec, anchor: curve.anchor, bpp}}));
    say(`Opening ${curve.label} at ${shortNumber(bpp)} bpp in the viewer.`);
  }

  function fillPoints() {
    const points = inView();
    root.querySelector(".rd-points summary").textContent = `Points as a table (${points.length} in view)`;
    if (!root.querySelector(".rd-points").open) return;
    part("points").replaceChildren(...points.map((point) => make("tr", {},
      make("th", {scope: "row"}, point.curve.label), make("td", {}, shortNumber(point.bpp)), make("td", {}, shortNumber(point.value, now.axis.digits)), make("td", {}, String(point.curve.images[point.p] || "")),
      make("td", {}, point.curve.source), make("td", {}, canOpen(point.curve) ? make("button", {type: "button", class: "rd-link", "aria-label": `Open ${point.curve.label} at ${shortNumber(point.bpp)} bpp`, onclick: () => open(point)}, "open") : ""))));
  }

  /** Arrow keys walk: along a curve, or to the same rate on the next curve. */
  function onKey(event) {
    const points = now && inView();
    if (!points?.length) return;
    const step = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[event.key];
    if (event.key === "Enter" && walk) open(walk);
    else if (event.key === "Escape" && walk) { walk = null; hideTip(); }
    else if (step) { walk = nextPoint(points, walk, step); showTip(walk); say(describePoint(walk, now.axis).slice(0, 3).join(", ")); }
    else return;
    event.preventDefault(); event.stopPropagation();
  }

  async function saveSvg() {
    const Plotly = await loadPlotly(props.plotly), {data, layout} = plot;
    const traces = data.map((trace, i) => ({trace, curve: now.curves[i]})).filter(({curve}) => shown(curve))
      .map(({trace, curve}) => ({...trace, name: asPlotlyText(nameOf(curve))}));
    const title = now.choices.datasets.find(({id}) => id === now.dataset)?.label ?? now.dataset;
    const figure = {data: traces, layout: {...layout, title: {text: asPlotlyText(title), font: {size: 13}, x: 0.02}, margin: {...layout.margin, t: 36}, showlegend: true, legend: {font: {size: 11}}}, config: RD_CONFIG};
    saveAs(`rd-${fileStem()}.svg`, await Plotly.toImage(figure, {format: "svg", width: plot.clientWidth + 380, height: Math.max(plot.clientHeight, 70 + 19 * traces.length)}));
    say(`Saved ${traces.length} curves as SVG.`);
  }

  function fileStem() { return `${now.dataset}-${now.metric}`.replace(/[^a-z0-9_-]+/gi, "-").slice(0, 60); }

  function saveCsv() {
    const points = inView();
    saveAs(`rd-${fileStem()}.csv`, csvOf(points, now.axis), "text/csv");
    say(`Saved ${points.length} points, those in view.`);
  }

  async function addFiles(files) {
    for (const file of [...files].slice(0, 4)) {
      const text = file.size > 2_000_000 ? "x".repeat(2_000_001) : await file.text();
      state.files = [...state.files, {name: file.name, text}].slice(-4);
    }
    await refresh();
    const last = now?.files.at(-1);
    if (last) say(last.error ? `${last.name}: ${last.error}` : `${last.name}: ${last.summary}, drawn in black.`);
  }

  for (const name of ["dataset", "metric", "anchor"]) part(name).addEventListener("change", (event) => { state[name] = event.target.value; if (name !== "anchor" && state.preset === "custom") state.preset = "usual"; refresh(); });
  part("log").addEventListener("change", (event) => { state.log = event.target.checked; if (state.preset === "custom") state.preset = "usual"; refresh(); });
  part("own").addEventListener("change", (event) => { state.own = event.target.checked; draw(); });
  part("find").addEventListener("input", () => now && fillLegend());
  part("file").addEventListener("change", (event) => { addFiles(event.target.files); event.target.value = ""; });
  part("csv").addEventListener("click", () => now && saveCsv());
  part("svg").addEventListener("click", () => now && plotted && saveSvg());
  root.querySelectorAll("[data-range]").forEach((button) => button.addEventListener("click", () => { state.preset = button.dataset.range; draw(); }));
  root.querySelector(".rd-points").addEventListener("toggle", () => now && fillPoints());
  plot.addEventListener("keydown", onKey);
  plot.addEventListener("blur", hideTip);
  root.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("rd-drop"); });
  root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) root.classList.remove("rd-drop"); });
  root.addEventListener("drop", (event) => { event.preventDefault(); root.classList.remove("rd-drop"); addFiles(event.dataTransfer.files); });

  const onResult = (event) => { if (!root.isConnected) { document.removeEventListener("mode:result", onResult); return; } state.picture = event.detail ?? {}; if (now) refresh(); };
  document.addEventListener("mode:result", onResult);
  const readTheme = () => { const dark = document.body.classList.contains("dark"); root.dataset.theme = dark ? "dark" : "light"; if (dark !== state.dark) { state.dark = dark; if (now) refresh(); } };
  new MutationObserver(readTheme).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  readTheme();
  // Four megabytes of plotting wait until somebody can see the plot.
  new IntersectionObserver((entries, observer) => { if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); refresh(); } }, {rootMargin: "200px"}).observe(plot);
  new ResizeObserver(() => { 
    const drawn = plot._fullLayout;
    if (now && plot.clientWidth && (plot.clientWidth !== drawn?.width || plot.clientHeight !== drawn?.height)) draw();
  }).observe(plot);
}
