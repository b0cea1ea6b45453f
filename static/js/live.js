// The import page while it runs: events by Server-Sent Events, polling when none arrive, words for screen readers.

const SILENCE = 4000; // ms without an event before the page asks by itself
const POLL = 2000;

// Fragments come from one template, so old and new match by position: text and attributes are set in
// place. The running icon goes on turning, the bar slides, the focus stays.
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to.cloneNode(true));
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  const [before, after] = [[...from.childNodes], [...to.childNodes]];
  before.slice(after.length).forEach((node) => node.remove());
  after.forEach((node, index) => {
    if (before[index]) morph(before[index], node);
    else from.append(node.cloneNode(true));
  });
}
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment, settleInfo) {
    const next = fragment.querySelector(`#${target.id}`);
    if (style !== "morph" || !next) return false;
    morph(target, next);
    settleInfo.elts.push(target);
    return [target];
  },
});

let heard = Date.now();
let said = "";

function tell() {
  const live = document.getElementById("live");
  if (!live) return;
  const quarter = Math.floor(Number(live.dataset.percent) / 25) * 25;
  const words = live.dataset.outcome || `${live.dataset.phase}: ${quarter} %`;
  if (words !== said) document.dispatchEvent(new CustomEvent("announce", { detail: words }));
  said = words;
}

// The stream's last event is `done`; a poll that finds the import finished stands in for it.
function finish() {
  const live = document.getElementById("live");
  const done = document.getElementById("done");
  if (live?.dataset.outcome && done) htmx.trigger(done, "sse:done");
}
document.addEventListener("htmx:sseMessage", () => {
  heard = Date.now();
  tell();
});
document.addEventListener("htmx:afterSettle", (event) => {
  tell();
  if (event.target.id === "live") finish();
});
setInterval(() => {
  const poll = document.getElementById("poll");
  if (poll && Date.now() - heard > SILENCE) htmx.trigger(poll, "poll");
}, POLL);
tell();

// Without EventSource the page polls from the start.
if (!window.EventSource) {
  document.querySelector("[sse-connect]")?.removeAttribute("sse-connect");
  heard = 0;
}
