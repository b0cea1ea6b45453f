// The page of one webhook: tells screen readers what moved, leads to the delivery that was opened.

function say(words) {
  if (words) document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

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
