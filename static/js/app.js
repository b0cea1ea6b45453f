// What every page shares: theme, search key, menus, fresh times, and what htmx leaves to the page.

const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");

// Theme: a choice that equals the system's is no choice, so the page follows the system again.
function theme() {
  return root.dataset.bsTheme ?? (systemDark.matches ? "dark" : "light");
}
function other(name) {
  return name === "dark" ? "light" : "dark";
}
function labelTheme() {
  const button = document.getElementById("theme");
  button?.setAttribute("aria-label", `Theme: ${theme()}. Switch to ${other(theme())}`);
}
document.getElementById("theme")?.addEventListener("click", () => {
  const next = other(theme());
  if (next === (systemDark.matches ? "dark" : "light")) {
    localStorage.removeItem("theme");
    delete root.dataset.bsTheme;
  } else {
    localStorage.setItem("theme", next);
    root.dataset.bsTheme = next;
  }
  labelTheme();
});
systemDark.addEventListener("change", labelTheme);
labelTheme();

// Keys: / goes to the search, Escape closes a menu and gives the focus back to its button.
function typing(element) {
  return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open]");
    closeMenus();
    menu?.querySelector("summary").focus();
  } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target)) {
    const fields = [...document.querySelectorAll('input[type="search"]')];
    const field = fields.find((candidate) => candidate.checkVisibility());
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  }
});
document.addEventListener("click", (event) => closeMenus(event.target));

// Times: seconds, minutes and hours go on; "yesterday" and dates stay as the server wrote them.
function freshen() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    if (!time.textContent.endsWith(" ago")) continue;
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
    if (seconds >= 86400) continue;
    let text = `${Math.floor(seconds / 3600)} h ago`;
    if (seconds < 60) text = `${seconds} s ago`;
    else if (seconds < 3600) text = `${Math.floor(seconds / 60)} min ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(freshen, 5000);

// One polite live region for the page: it stands outside everything that is swapped. Scripts speak through an
// event, since under hashed file names an import of this file would load it twice.
document.addEventListener("announce", (event) => {
  const region = document.getElementById("announcer");
  if (region && region.textContent !== event.detail) region.textContent = event.detail;
});

// htmx: an address without empty fields; a request that failed is said in words.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest?.("[data-filters]")) return;
  const fields = event.detail.formData;
  for (const [name, value] of [...fields.entries()]) {
    if (value === "") fields.delete(name);
  }
});
function failed(words) {
  const notice = document.getElementById("failed");
  if (!notice) return;
  notice.querySelector("p").textContent = words;
  notice.hidden = false;
}
document.addEventListener("htmx:sendError", () => {
  failed("The server could not be reached. What you see may be old; it is tried again with your next action.");
});
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  failed(
    status === 403
      ? "You are not allowed to do this, or your session has ended. Load the page again."
      : `The server answered with an error (${status}). Try again; if it stays, tell whoever runs this installation.`,
  );
});
document.addEventListener("htmx:afterRequest", (event) => {
  const notice = document.getElementById("failed");
  if (notice && event.detail.successful) notice.hidden = true;
});

// Filters keep their place while the results are swapped, so they follow an address that changed elsewhere.
function syncFilters() {
  const asked = new URLSearchParams(location.search);
  for (const field of document.querySelectorAll("[data-filters] :is(input, select)[name]")) {
    if (field !== document.activeElement) field.value = asked.get(field.name) ?? "";
  }
}
document.addEventListener("htmx:pushedIntoHistory", syncFilters);
document.addEventListener("htmx:replacedInHistory", syncFilters);

// Focus: htmx keeps it on an element whose id comes back; if that one is gone, the region takes it.
let held = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  held = target.contains(document.activeElement) ? target.id : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (held && document.activeElement === document.body) {
    document.getElementById(held)?.focus({ preventScroll: true });
  }
  held = null;
});
