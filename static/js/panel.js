// The side panel with its own address, and the row in edit. Without this the links open pages of their own.

const panel = document.getElementById("panel");
const QUESTION = "Close without saving? What you typed is lost.";
const RETRY = 2000; // ms

const behind = location.pathname; // of the page that was loaded, whatever the panel's address is
let opener = null; // the id of what had the focus before
let opened = ""; // the form as it was filled when it came
let sure = false; // nobody is asked again about what was typed
let afterwards = null; // what to do once the panel's address has been left

function dialog() {
  return panel.querySelector("dialog");
}
function written(form) {
  return new URLSearchParams(new FormData(form)).toString();
}
function unsaved() {
  const form = panel.querySelector("form");
  return Boolean(form) && (form.hasAttribute("data-unsaved") || written(form) !== opened);
}
function say(words) {
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}
function fetchInto(target, url, swap) {
  return htmx.ajax("GET", url, { target, swap });
}

// Open: the server's answer is a dialog; its address is pushed once, so that Back closes it.
function show() {
  const side = dialog();
  if (!side) return;
  const form = panel.querySelector("form");
  opened = form ? written(form) : "";
  sure = false;
  const row = document.getElementById(side.dataset.row ?? "");
  if (row?.classList.contains("edit")) opener = row.id.replace("row-", "edit-");
  if (location.pathname !== side.dataset.url) {
    const how = history.state?.panel ? "replaceState" : "pushState";
    history[how]({ panel: true }, "", side.dataset.url);
  }
  side.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  side.addEventListener("click", (event) => event.target === side && leave());
  side.showModal();
}

function shut() {
  const stale = document.getElementById(dialog()?.dataset.row ?? "");
  dialog()?.close();
  panel.replaceChildren();
  const next = afterwards;
  afterwards = null;
  if (next) next();
  else {
    // A row in edit that was refused rests on values which are old by now.
    if (stale?.classList.contains("edit")) fetchInto(`#${stale.id}`, `${stale.querySelector("form").action}?show=1`, "outerHTML");
    document.getElementById(opener)?.focus();
  }
}
function leave() {
  if (!sure && unsaved() && !confirm(QUESTION)) return;
  sure = true;
  if (history.state?.panel) history.back();
  else shut();
}

// Before htmx, which would load the page behind the panel again. An address that was loaded anew has
// another page behind it than the one that it was pushed over.
window.addEventListener(
  "popstate",
  (event) => {
    const side = dialog();
    const away = location.pathname !== behind;
    if (event.state?.panel && away) {
      event.stopImmediatePropagation();
      if (!side) fetchInto("#panel", location.pathname, "innerHTML");
    } else if (side) {
      event.stopImmediatePropagation();
      if (!sure && unsaved() && !confirm(QUESTION)) history.forward();
      else shut();
    } else if (away && !event.state?.htmx) location.reload();
  },
  true,
);

panel.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  event.preventDefault();
  leave();
});

document.addEventListener("keydown", (event) => {
  const form = event.target.form ?? event.target.closest?.("form");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form?.id === "edit") {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches?.("tr.edit textarea")) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Escape" && dialog()) {
    event.preventDefault();
    leave();
  } else if (event.key === "Escape" && !event.isComposing) {
    event.target.closest?.("tr.edit")?.querySelector("[data-leave]").click();
  }
});

function retry() {
  for (const form of document.querySelectorAll("form[data-retry]")) {
    setTimeout(() => form.isConnected && form.requestSubmit(), RETRY);
  }
}
retry();

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target === panel && !dialog()) opener = document.activeElement?.id || null;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === panel) show();
  retry();
});

// Saved: the list behind is shown again as it was asked for, the row flashes, the focus goes back.
async function refresh({ id, words, url }) {
  if (!document.getElementById("results")) {
    location.assign(url);
    return;
  }
  // Settled at once: later, htmx would put back the row's own attributes and take the flash away.
  await fetchInto("#results", location.pathname + location.search, "outerHTML settle:0ms");
  document.getElementById(`row-${id}`)?.classList.add("saved");
  (document.getElementById(opener) ?? document.getElementById("results")).focus({ preventScroll: true });
  say(words);
}
document.addEventListener("product:saved", (event) => {
  sure = true;
  afterwards = () => refresh(event.detail);
  if (history.state?.panel) history.back();
  else shut();
});
document.addEventListener("product:said", (event) => {
  const { words, failed } = event.detail;
  say(words);
  const notice = document.getElementById("failed");
  if (failed && notice) {
    notice.querySelector("p").textContent = words;
    notice.hidden = false;
  }
});
