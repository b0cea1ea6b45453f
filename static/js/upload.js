// The drop zone: a file goes up in parts (tus) that are kept as they arrive, so that a lost connection or a
// closed tab goes on where it stopped. Without this script the form posts by itself.

const { tus } = window;
const form = document.getElementById("drop");
const card = document.getElementById("upload");
const input = form?.querySelector('input[type="file"]');
const part = (name) => card.querySelector(`[data-part="${name}"]`);

const PART = 8 * 1024 * 1024;
// ms until it is tried again after a failure; five minutes in all, and any progress starts them anew.
const DELAYS = [0, 1000, 2000, 4000, 8000, ...Array(19).fill(15000)];
const SPEED_OVER = 5000; // ms that the speed is the mean of
const WAITS = [409, 423, 500, 502, 503, 504];
const LOST = "The connection was lost. What has arrived is kept: try again, now or later with the same file.";

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
  part("name").textContent = file.name;
  part("bar").setAttribute("aria-label", `Upload of ${file.name}`);
  for (const name of ["progress", "pause", "note"]) part(name).hidden = false;
  for (const name of ["error", "retry"]) part(name).hidden = true;
  part("cancel").textContent = "Cancel";
  note("If you close this page, choose the same file again: it goes on.");
}
function note(words) {
  part("words").textContent = words;
}
function fail(file, words) {
  show(file);
  for (const name of ["progress", "pause", "note"]) part(name).hidden = true;
  for (const name of ["error", "retry"]) part(name).hidden = false;
  part("reason").textContent = words;
  part("cancel").textContent = "Close";
  say(`${file.name} was not uploaded. ${words}`);
}

// What the server says of it (problem details), for people.
function reason(error) {
  const answer = error.originalResponse;
  if (!answer) return error.originalRequest ? LOST : "The file can't be read any more. Choose it again.";
  try {
    return JSON.parse(answer.getBody()).detail;
  } catch {
    const status = answer.getStatus();
    if (status < 400) return "Your session has ended. Sign in again and choose the file once more.";
    return `The server answered with an error (${status}) and nothing was imported. Try again.`;
  }
}

// The options of the form under their names, as the plain upload would send them.
function metadata(file) {
  const chosen = [...new FormData(form)].filter(
    ([name, value]) => typeof value === "string" && value && name !== "csrfmiddlewaretoken",
  );
  return { filename: file.name, filetype: file.type, ...Object.fromEntries(chosen) };
}

// While nothing is sent there is no speed, and nobody knows how long it takes.
function standStill() {
  for (const name of ["speed", "left"]) part(name).textContent = "";
}

// Shows how far it is; the speed is that of the last seconds, so that it tells of a change.
function meter(start, whole) {
  let samples = [[performance.now(), start]];
  let said = Math.floor((4 * start) / whole) * 25;
  return (sent, total) => {
    const now = performance.now();
    samples = samples.filter(([at], index) => now - at < SPEED_OVER || index === samples.length - 1);
    const [since, before] = samples[0];
    samples.push([now, sent]);
    const speed = Math.max(0, sent - before) / Math.max(0.05, (now - since) / 1000);
    const share = Math.floor((100 * sent) / total);
    part("bar").value = share;
    part("percent").textContent = `${share} %`;
    part("amount").textContent = `${size(sent)} of ${size(total)}`;
    part("speed").textContent = speed ? `${size(speed)}/s` : "";
    if (sent >= total) part("left").textContent = "Being stored";
    else part("left").textContent = speed ? `${duration((total - sent) / speed)} left` : "";
    const quarter = Math.floor(share / 25) * 25;
    if (quarter > said) say(`Upload: ${quarter} %`);
    said = Math.max(said, quarter);
  };
}

async function send(file) {
  const most = Number(form.dataset.maxBytes);
  if (file.size === 0) return fail(file, "The file is empty.");
  if (file.size > most) {
    return fail(file, `It is ${size(file.size)}, and at most ${size(most)} can be uploaded here. Split it, or import it with the command.`);
  }
  let measure = null;
  let [sent, lostAt, resumed, cancelled, still] = [0, null, false, false, false];
  const waitWith = (words) => {
    still = true;
    standStill();
    note(words);
  };
  const upload = new tus.Upload(file, {
    endpoint: form.dataset.endpoint,
    chunkSize: PART,
    retryDelays: DELAYS,
    removeFingerprintOnSuccess: true,
    metadata: metadata(file),
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    onUploadUrlAvailable() {
      if (cancelled) return void upload.abort(true).catch(() => {});
      const known = document.querySelector(`[data-upload="${upload.url.split("/").pop()}"]`);
      if (known) known.hidden = true;
    },
    onShouldRetry(error) {
      const status = error.originalResponse?.getStatus() ?? 0;
      if (cancelled) return false;
      if (status && !WAITS.includes(status)) return false;
      lostAt ??= sent;
      waitWith(`The connection was lost at ${size(lostAt)}. It is tried again by itself.`);
      return true;
    },
    onProgress(now, total) {
      if (resumed && measure === null) note(`Going on at ${Math.floor((100 * now) / total)} %, where it stopped.`);
      else if (lostAt !== null && now > lostAt) {
        note(`The connection was lost at ${size(lostAt)} and the upload went on from there.`);
        lostAt = null;
      }
      if (measure === null || still) measure = meter(now, total);
      [sent, still] = [now, false];
      measure(now, total);
    },
    onSuccess({ lastResponse }) {
      const job = lastResponse.getHeader("X-Job-Id");
      location.assign(job ? `${form.dataset.imports}${job}/` : form.dataset.imports);
    },
    onError: (error) => cancelled || stop(() => fail(file, reason(error))),
  });
  const goOn = () => upload.abort().then(() => upload.start());
  const stop = (then) => {
    window.removeEventListener("online", goOn);
    then();
  };

  show(file);
  part("bar").value = 0;
  standStill();
  say(`Uploading ${file.name}`);
  part("pause").lastChild.textContent = "Pause";
  part("pause").onclick = () => {
    const pausing = part("pause").lastChild.textContent === "Pause";
    part("pause").lastChild.textContent = pausing ? "Go on" : "Pause";
    if (pausing) upload.abort().then(() => waitWith("Paused. Go on whenever you like."));
    else upload.start();
  };
  part("retry").onclick = () => send(file);
  part("cancel").onclick = () => {
    card.hidden = true;
    if (!part("error").hidden) return;
    cancelled = true;
    // Before its address is known it can't be ended: that is done as soon as the answer brings it.
    stop(() => upload.url && upload.abort(true).catch(() => {}));
    say(`The upload of ${file.name} was cancelled`);
    input.focus();
  };
  window.addEventListener("online", goOn);
  const [previous] = (await upload.findPreviousUploads()).sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime));
  if (previous) {
    upload.resumeFromPreviousUpload(previous);
    resumed = true;
  }
  upload.start();
}

if (form && card && tus?.isSupported) {
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
