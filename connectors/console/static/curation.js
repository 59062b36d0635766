// Hands of the curators' pages: files sent one by one with progress, keys for deciding, addresses of cells.
"use strict";

const LARGEST_FILE = 50 * 1024 * 1024;
const TOGETHER = 2;
const KEYS_MS = 1200;

// The words stand in the page: data-waiting, data-sent, ... of its form.
function said(key, slot = "") {
  return (document.querySelector("[data-upload]")?.dataset[key] ?? "").replace("$", slot);
}

function sendingRow(file) {
  const row = document.createElement("div");
  row.className = "progress";
  const name = document.createElement("span");
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  const words = document.createElement("small");
  words.textContent = said("waiting");
  row.append(name, bar, words);
  document.getElementById("sending").append(row);
  return { row, bar, words };
}

function tell(row, words) {
  row.bar.remove();
  row.words.className = "refused";
  row.words.textContent = words;
}

function plainWords(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return parsed.querySelector(".toast span")?.textContent || said("failed");
}

function send(form, file, row) {
  const body = new FormData(form);
  body.delete("files");
  body.append("files", file, file.name);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
    request.upload.addEventListener("progress", (event) => {
      row.bar.value = event.total ? (100 * event.loaded) / event.total : 0;
      row.words.textContent = event.loaded < event.total ? said("sent", Math.round(row.bar.value)) : said("storing");
    });
    request.addEventListener("load", () => {
      const where = request.getResponseHeader("HX-Redirect");
      if (where) location.href = where;
      else if (request.status === 200) {
        row.row.remove();
        replaceList(request.responseText);
      } else tell(row, plainWords(request.responseText));
      done();
    });
    request.addEventListener("error", () => {
      tell(row, said("offline"));
      done();
    });
    request.send(body);
  });
}

function replaceList(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("uploads-list");
  const old = document.getElementById("uploads-list");
  if (!fresh || !old) return;
  old.replaceWith(fresh);
  htmx.process(fresh);
}

async function sendAll(form, files) {
  const waiting = files.map((file) => [file, sendingRow(file)]);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [file, row] = next;
      if (file.size > LARGEST_FILE) tell(row, said("large"));
      else await send(form, file, row);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-upload]")) return;
  event.preventDefault();
  const field = form.elements.files;
  const files = Array.from(field.files);
  if (!files.length) return;
  const button = form.querySelector("[data-upload-button]");
  button.disabled = true;
  field.value = "";
  document.getElementById("sending").replaceChildren();
  await sendAll(form, files);
  button.disabled = false;
});

// A step that cannot be undone by a second click is asked for twice.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-sure]") : null;
  if (!button || button.dataset.asked) return;
  event.preventDefault();
  button.dataset.asked = "1";
  const words = button.textContent;
  button.textContent = button.dataset.sure;
  setTimeout(() => { delete button.dataset.asked; button.textContent = words; }, 4000);
});

// Which passage the right-hand side shows.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("[data-shows-source]") : null;
  if (!link) return;
  document.querySelectorAll(".passage.here").forEach((each) => each.classList.remove("here"));
  link.closest(".passage")?.classList.add("here");
});

// The highlighted place comes into view on its side of the page; the page itself does not move.
function showHere() {
  const side = document.querySelector(".side-by-side > aside");
  const here = side?.querySelector("tr.here, mark");
  if (!here || !here.getClientRects().length) return;
  side.scrollTop += here.getBoundingClientRect().top - side.getBoundingClientRect().top - side.clientHeight / 3;
}
document.addEventListener("htmx:after:swap", showHere);
showHere();

// The address of the cell under the pointer, tapped or focused.
function sayCell(event) {
  const cell = event.target instanceof Element ? event.target.closest("td[data-ref]") : null;
  const said = document.getElementById("cell-said");
  if (cell && said) said.textContent = cell.title;
}
for (const kind of ["mouseover", "focusin", "click"]) document.addEventListener(kind, sayCell);

// j and k walk through rows, Enter opens; a approves, r returns.
let afterG = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const at = event.target;
  if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || document.querySelector("dialog[open]")) return;
  if (event.key === "g") { afterG = Date.now(); return; }
  if (Date.now() - afterG < KEYS_MS) return;
  if (event.key === "a" || event.key === "r") {
    const dialog = event.key === "a" ? "approve" : "return";
    event.preventDefault();
    document.querySelector(`[data-open="#${dialog}"]`)?.click();
    document.querySelector(`#${dialog} :is(textarea, .main)`)?.focus();
  } else if (event.key === "j" || event.key === "k") {
    const link = document.querySelector(`[data-key="${event.key}"]`);
    if (link) { link.click(); return; }
    const rows = Array.from(document.querySelectorAll("[data-row]"));
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[Math.max(0, Math.min(rows.length - 1, here + (event.key === "j" ? 1 : -1)))];
    next?.querySelector("a, button")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
});
