// The page of one webhook: copies code, tells screen readers what moved, leads to the delivery that was opened.

const COPIED = 2000; // ms

function say(words) {
  if (words) document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

// Copy: where the browser does not let us, as over plain http, the text is selected for Ctrl+C.
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    source.closest("details")?.setAttribute("open", "");
    source.closest("details")?.classList.remove("without-js");
    getSelection().selectAllChildren(source);
    say("Selected: press Ctrl and C to copy");
    return;
  }
  const label = button.lastChild;
  const words = label.textContent;
  if (words !== "Copied") {
    label.textContent = "Copied";
    setTimeout(() => (label.textContent = words), COPIED);
  }
  say("Copied");
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
});

// What the open delivery came to, once for each of its steps.
function standing() {
  return { ...document.getElementById("outcome")?.dataset };
}
let known = standing();
document.addEventListener("htmx:afterSettle", (event) => {
  const now = standing();
  const poll = document.getElementById("poll");
  if (now.delivery && now.delivery === known.delivery && now.moved !== known.moved) say(now.told);
  else if (now.delivery && now.delivery !== known.delivery) reach();
  if (poll?.dataset.said) {
    say(poll.dataset.said);
    poll.dataset.said = "";
  }
  known = now;
  // A test that has ended stands in the log.
  if (event.target.id === "test-result" && !event.target.querySelector("[hx-trigger]")) htmx.trigger(poll, "refresh");
});

// Under the log, where the window is narrow, an opened delivery would be out of sight.
function reach() {
  const card = document.getElementById("delivery");
  if (card.getBoundingClientRect().top > innerHeight - 100) card.scrollIntoView();
  card.focus({ preventScroll: true });
}
if (location.hash === "#verify") document.getElementById("verify")?.setAttribute("open", "");
