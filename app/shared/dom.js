/** Elements: finding those of the page's markup, making others. Text only ever enters as text. */

/** The element that the markup has here.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {new () => T} [kind] @returns {T} */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (found instanceof (kind ?? HTMLElement)) return /** @type {T} */ (found);
  throw new Error(`the page has no ${selector}`);
}

/** An element; attributes that start with `on` are listeners, true and false are properties.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} attributes @param {(Node | string)[]} children */
export const make = (tag, attributes = {}, ...children) =>
  dressed(document.createElement(tag), attributes, children);

/** @param {Record<string, any>} attributes @param {(Node | string)[]} children */
export const makeButton = (attributes, ...children) =>
  make("button", { type: "button", ...attributes }, ...children);

/** An element of a drawing.
 * @param {string} tag @param {Record<string, any>} attributes @param {(Node | "")[]} children */
export const makeSvg = (tag, attributes, ...children) =>
  dressed(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** @template {Element} T
 * @param {T} node @param {Record<string, any>} attributes @param {(Node | string)[]} children */
function dressed(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") Object.assign(node, { [name]: value });
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Give an element its text, and the words that show while the pointer rests on it. */
export function write(/** @type {HTMLElement} */ node, /** @type {string} */ text, title = "") {
  node.textContent = text;
  node.title = title;
}

/** Fill an element with what `make` makes, only when it is to show something else than before.
 * @param {HTMLElement} element @param {unknown} shown @param {() => Node[]} make */
export function refill(element, shown, make) {
  const key = JSON.stringify(shown);
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.replaceChildren(...make());
}

/** Show choices in a select, by group where they have one.
 * @param {HTMLSelectElement} select @param {Named[]} choices @param {string} value the choice that is taken */
export function fillSelect(select, choices, value) {
  refill(select, choices, () => optionsOf(choices));
  select.value = value;
}

function optionsOf(/** @type {Named[]} */ choices) {
  const groups = /** @type {Map<string, HTMLOptionElement[]>} */ (new Map([["", []]]));
  for (const { id, label, group = "" } of choices) {
    groups.set(group, [...(groups.get(group) ?? []), make("option", { value: id }, label)]);
  }
  return [...groups].flatMap(([label, options]) =>
    label ? [make("optgroup", { label }, ...options)] : options,
  );
}

/** Files that are chosen in a field, or dropped on an element, which a class marks while they hover.
 * @param {HTMLInputElement} input @param {HTMLElement} root @param {string} mark
 * @param {(files: File[]) => void} take */
export function onFiles(input, root, mark, take) {
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
  root.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    root.classList.add(mark);
  });
  root.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!root.contains(/** @type {Node | null} */ (relatedTarget))) root.classList.remove(mark);
  });
  root.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    root.classList.remove(mark);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}

/** @param {DragEvent} event */
export const carriesFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files") ?? false;

/** Offer a blob or a data URL as a download. @param {string} name @param {Blob | string} content */
export function saveAs(name, content) {
  const url = typeof content === "string" ? content : URL.createObjectURL(content);
  make("a", { href: url, download: name }).click();
  if (typeof content !== "string") setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
