// The product list: selection, keys, filters behind their button. Without this every part works by forms and links.

const LIVE = 'input[name="ids"]';

function results() {
  return document.getElementById("results");
}
function rows() {
  return [...(results()?.querySelectorAll("tbody > tr") ?? [])];
}
function boxes() {
  return [...(results()?.querySelectorAll(LIVE) ?? [])];
}
function say(words) {
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

// --- Selection: it ends when other results come; a row that is swapped on its own keeps its tick.

const selected = new Set();
let all = false; // all that match, on every page
let last = null; // where a range by Shift begins: the value of a box

function showSelection() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const present = boxes();
  for (const box of present) box.checked = selected.has(box.value);
  const ticked = present.filter((box) => box.checked).length;
  const whole = present.length > 0 && ticked === present.length;
  const [chooseAll, choosePage] = ["all", "page"].map((name) => bar.querySelector(`[data-choose="${name}"]`));
  const everything = chooseAll?.querySelector("span").textContent ?? "";
  const figure = document.createElement("b");
  figure.textContent = all ? everything[0].toUpperCase() + everything.slice(1) : ticked.toLocaleString("en-US");
  document.getElementById("chosen").replaceChildren(figure, all ? " are selected" : " selected");
  if (chooseAll) {
    chooseAll.hidden = all || !whole;
    document.getElementById("all").checked = all;
  }
  choosePage.hidden = whole && !all;
  choosePage.querySelector("span").textContent = all ? "Only" : "Select";
  const head = document.getElementById("select-page");
  head.checked = whole;
  head.indeterminate = ticked > 0 && !whole;
}
function choose(which) {
  all = which === "all";
  selected.clear();
  if (which !== "none") for (const box of boxes()) selected.add(box.value);
  showSelection();
  say(which === "none" ? "Nothing is selected" : document.getElementById("chosen").textContent);
}
function tick(box, range) {
  const present = boxes();
  const from = range ? present.findIndex((each) => each.value === last) : -1;
  const to = present.indexOf(box);
  const touched = from < 0 ? [box] : present.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of touched) {
    if (box.checked) selected.add(each.value);
    else selected.delete(each.value);
  }
  all = false;
  last = box.value;
  showSelection();
  if (touched.length > 1) say(document.getElementById("chosen").textContent);
}
document.addEventListener("click", (event) => {
  const target = event.target;
  if (target.matches?.(`#results ${LIVE}`)) tick(target, event.shiftKey);
  else if (target.id === "select-page") choose(target.checked ? "page" : "none");
  else {
    const button = target.closest?.("#bulk [data-choose]");
    if (!button) return;
    const { choose: which } = button.dataset;
    choose(which);
    if (which === "none") (rows().find((row) => row.tabIndex === 0) ?? results()).focus({ preventScroll: true });
    else document.querySelector(`#bulk [data-choose="${which === "all" ? "page" : "all"}"]`)?.focus();
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "results") {
    selected.clear();
    all = false;
    last = null;
  }
});

// --- What stands outside the results and follows them.

function follow() {
  const list = results();
  if (!list) return;
  const { query } = list.dataset;
  for (const link of document.querySelectorAll("a[data-export]")) link.search = query;
  const wrong = new Set([...document.querySelectorAll("#filter-errors [data-field]")].map((each) => each.dataset.field));
  for (const field of document.querySelectorAll("[data-filters] :is(input, select):not([type=hidden])")) {
    field.classList.toggle("is-invalid", wrong.has(field.name));
    if (wrong.has(field.name)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  showSelection();
}
document.addEventListener("htmx:afterSettle", follow);
follow();

// The filters behind their button: closed by Escape, which gives the focus back, and by a click beside them.
const more = document.querySelector("details.more");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !more?.open || !event.target.closest("[data-filters]")) return;
  more.open = false;
  more.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  if (more?.open && !event.target.closest("[data-filters]")) more.open = false;
});

// --- Keys: n for a new product; arrows, j and k from row to row; Enter opens, Space and x select.

function busy(element) {
  return (
    element.isContentEditable ||
    element.matches("textarea, select, summary, input:not([type=checkbox])") ||
    element.closest("tr.edit, .menu-list, dialog") !== null
  );
}
function step(from, by) {
  const present = rows();
  const at = present.indexOf(from);
  const next = present[at < 0 ? (by > 0 ? 0 : present.length - 1) : at + by];
  if (!next) return false;
  for (const row of present) row.tabIndex = row === next ? 0 : -1;
  next.focus();
  return true;
}
const KEYS = {
  ArrowDown: (row) => step(row, 1),
  j: (row) => step(row, 1),
  ArrowUp: (row) => row !== null && step(row, -1),
  k: (row) => step(row, -1),
  Enter: (row, on) => (on === row || on.matches(LIVE)) && press(row?.querySelector(".name a")),
  " ": (row, on) => on === row && press(row?.querySelector(LIVE)),
  x: (row) => press(row?.querySelector(LIVE)),
  n: () => press(document.getElementById("new-product")),
};
function press(element) {
  element?.click();
  return Boolean(element);
}
document.addEventListener("keydown", (event) => {
  const on = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (!(event.key in KEYS) || !(on instanceof Element) || busy(on) || document.querySelector("dialog[open]")) return;
  const row = on.closest("#results tbody > tr");
  // Beside a control that has a use for them itself, arrows are its own.
  if (event.key.startsWith("Arrow") && row === null && on !== document.body && on !== results()) return;
  if (KEYS[event.key](row, on)) event.preventDefault();
});
// The row that holds the focus is the one that Tab comes back to.
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("#results tbody > tr");
  if (!row || row === event.target) return;
  for (const each of rows()) if (each.tabIndex === 0 && each !== row) each.tabIndex = -1;
});
