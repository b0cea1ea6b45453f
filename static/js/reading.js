// "How the file was read": a chip that is changed with the pointer has the file read again at once. Whoever chooses with
// keys passes other values on the way, and presses the button; without this file everybody does.

let keys = false;
for (const [name, value] of [["keydown", true], ["pointerdown", false]]) {
  document.addEventListener(name, () => (keys = value), { capture: true });
}
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-at-once]");
  if (form && !keys && event.target.matches("select")) form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id !== "read-again" || event.defaultPrevented) return;
  for (const button of form.querySelectorAll("button")) button.disabled = true;
});
