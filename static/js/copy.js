// Buttons that copy: `data-copy` is a selector of what.

const COPIED = 2000; // ms

function say(words) {
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

// Where the browser does not let us, as over plain http, the text is selected for Ctrl+C.
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
