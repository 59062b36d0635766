// Small hands of the console: menu, dialogs, toasts, keys, files dropped. Everything else is htmx or plain forms.
"use strict";

const GO = { h: "/console/", l: "/console/library", u: "/console/uploads", a: "/console/approvals", t: "/console/retrieval-test" };
const TOAST_MS = 8000;
let waitingForG = 0;

function typing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

document.addEventListener("click", (event) => {
  const at = event.target instanceof Element ? event.target : null;
  const opener = at?.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open)?.showModal();
  if (at?.closest("[data-close]")) at.closest("dialog")?.close();
  if (at?.closest("[data-dismiss]")) at.closest(".toast")?.remove();
  const menu = at?.closest("[data-menu]");
  if (menu) {
    const open = document.getElementById("nav").classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  }
  const copier = at?.closest("[data-copy]");
  if (copier) navigator.clipboard?.writeText(document.querySelector(copier.dataset.copy)?.textContent ?? "");
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") document.getElementById("nav")?.classList.remove("open");
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search], input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal();
  } else if (event.key === "g") {
    waitingForG = Date.now();
    return;
  } else if (GO[event.key] && Date.now() - waitingForG < 1200) {
    location.href = GO[event.key];
  }
  waitingForG = 0;
});

// A file dropped on [data-drop] goes into the file field inside it, whose form is then told of the change.
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const box = event.target instanceof Element ? event.target.closest("[data-drop]") : null;
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // a file beside the box must not replace the page
    document.querySelectorAll("[data-drop].over").forEach((each) => each !== box && each.classList.remove("over"));
    if (!box) return;
    box.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind !== "drop") return;
    const field = box.querySelector("input[type=file]");
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

new MutationObserver((changes) => {
  for (const change of changes) {
    for (const added of change.addedNodes) {
      if (added instanceof Element && added.matches(".toast:not(.bad)")) setTimeout(() => added.remove(), TOAST_MS);
    }
  }
}).observe(document.getElementById("toasts"), { childList: true });
document.querySelectorAll("#toasts .toast:not(.bad)").forEach((each) => setTimeout(() => each.remove(), TOAST_MS));

// The word after a change is said once, not again with every reload.
const address = new URL(location.href);
if (address.searchParams.has("said")) {
  address.searchParams.delete("said");
  history.replaceState(history.state, "", address);
}
