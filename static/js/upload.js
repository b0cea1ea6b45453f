// The drop zone: drag, drop, upload with progress, and an error in words. Without it the form posts by itself.

const form = document.getElementById("drop");
const card = document.getElementById("upload");
const input = form?.querySelector('input[type="file"]');
const part = (name) => card.querySelector(`[data-part="${name}"]`);
const REMEDY_LOST = "The connection was lost and nothing was imported. Check it and try again.";

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  let [amount, unit] = [bytes / 1024, "KB"];
  for (const larger of ["MB", "GB", "TB"]) {
    if (amount < 999.95) break;
    [amount, unit] = [amount / 1024, larger];
  }
  return `${amount.toFixed(1).replace(/\.0$/, "")} ${unit}`;
}
function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
function say(words) {
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

function show(file) {
  card.hidden = false;
  card.classList.remove("failed");
  part("name").textContent = file.name;
  part("bar").setAttribute("aria-label", `Upload of ${file.name}`);
  part("progress").hidden = false;
  part("error").hidden = true;
  part("retry").hidden = true;
  part("cancel").textContent = "Cancel";
}
function fail(file, words) {
  show(file);
  part("progress").hidden = true;
  part("error").hidden = false;
  part("reason").textContent = words;
  part("retry").hidden = false;
  part("cancel").textContent = "Close";
  say(`${file.name} was not uploaded. ${words}`);
}

// {"detail": "…"}, {"title": "…"} or {"errors": {"file": ["…"]}}: the first sentence for people.
function reason(xhr) {
  const answer = xhr.response ?? {};
  const fromForm = Object.values(answer.errors ?? {}).flat()[0];
  const words = fromForm?.message ?? fromForm ?? answer.detail ?? answer.title;
  if (words) return String(words);
  if (xhr.status === 413) return "The file is larger than this installation takes. Compress it or split it.";
  if (xhr.status === 403) return "You are not allowed to import, or your session has ended. Load the page again.";
  if (xhr.status === 0) return REMEDY_LOST;
  if (xhr.status < 400) return "Your session has ended. Sign in again and choose the file once more.";
  return `The server answered with an error (${xhr.status}) and nothing was imported. Try again.`;
}

function send(file) {
  const most = Number(form.dataset.maxBytes);
  if (file.size === 0) return fail(file, "The file is empty.");
  if (most && file.size > most) {
    return fail(file, `It is ${size(file.size)}, and at most ${size(most)} can be uploaded here. Split it, or import it with the command.`);
  }
  const body = new FormData(form);
  body.set("file", file, file.name);
  const xhr = new XMLHttpRequest();
  const started = performance.now();
  let said = 0;
  show(file);
  part("bar").value = 0;
  say(`Uploading ${file.name}`);

  xhr.upload.addEventListener("progress", ({ loaded, total }) => {
    const share = Math.floor((100 * loaded) / total);
    const speed = loaded / Math.max(0.05, (performance.now() - started) / 1000);
    part("bar").value = share;
    part("percent").textContent = `${share} %`;
    part("amount").textContent = `${size(loaded)} of ${size(total)}`;
    part("speed").textContent = `${size(speed)}/s`;
    part("left").textContent = loaded < total ? `${duration((total - loaded) / speed)} left` : "Being stored";
    const quarter = Math.floor(share / 25) * 25;
    if (quarter > said) say(`Upload: ${quarter} %`);
    said = Math.max(said, quarter);
  });
  xhr.addEventListener("load", () => {
    const next = xhr.response?.url;
    if (xhr.status >= 200 && xhr.status < 300 && next) location.assign(next);
    else fail(file, reason(xhr));
  });
  xhr.addEventListener("error", () => fail(file, REMEDY_LOST));
  xhr.addEventListener("abort", () => {
    card.hidden = true;
    say(`The upload of ${file.name} was cancelled`);
    input.focus();
  });
  part("cancel").onclick = () => {
    if (xhr.readyState === XMLHttpRequest.DONE) card.hidden = true;
    else xhr.abort();
  };
  part("retry").onclick = () => send(file);
  xhr.open("POST", form.action);
  xhr.responseType = "json";
  xhr.setRequestHeader("Accept", "application/json");
  xhr.send(body);
}

if (form && card) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) send(input.files[0]);
    else input.focus();
  });
  // dragenter and dragleave come for every child, so only leaving the zone itself counts.
  form.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) form.classList.remove("over");
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) send(file);
  });
  // A file that misses the zone would replace the page, and a running upload with it.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
  }
}
