"use strict";
// The chat on the phone. Whatever people or the app wrote is put on the page as text, never as markup.

const POLL_PAUSE_MS = 1500;
const PATIENCE_MS = 60000;
const GAP_MS = 5 * 60000;
const LONG_PRESS_MS = 450;
const ZONE = "Asia/Shanghai";

const say = document.body.dataset;
const byId = (id) => document.getElementById(id);
const chat = byId("chat"), lines = byId("lines"), words = byId("words"), sendButton = byId("send");

let me = null;          // {userid, name, button}
let last = 0;           // newest sequence number on the screen
let lastTime = 0;       // time of the newest bubble
let round = 0;          // counts the changes of member; what belongs to an older round is dropped
let typing = null, patience = 0, lostNotice = null, menu = null;

// -- small parts

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function nearEnd() { return chat.scrollHeight - chat.scrollTop - chat.clientHeight < 160; }
function toEnd() { chat.scrollTop = chat.scrollHeight; }

let toastTimer = 0;
function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("on"), 1600);
}

async function post(path, body) {
  const answer = await fetch("/phone/" + path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(String(answer.status));
}

// -- copying

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(say.copied);
  } catch {
    toast(copyOldWay(text) ? say.copied : say.copyFailed);
  }
}

function copyOldWay(text) {
  const box = make("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}

function closeMenu() {
  if (menu) menu.remove();
  menu = null;
}

function openMenu(bubble, text) {
  closeMenu();
  menu = make("div", "menu");
  const button = make("button", "", say.copy);
  button.type = "button";
  button.addEventListener("click", () => { closeMenu(); copy(text); bubble.focus(); });
  menu.append(button);
  document.querySelector(".phone").append(menu);
  const phone = document.querySelector(".phone").getBoundingClientRect();
  const place = bubble.getBoundingClientRect();
  const visibleTop = Math.max(place.top, chat.getBoundingClientRect().top);
  const above = visibleTop - phone.top - menu.offsetHeight - 6;
  const left = place.left + place.width / 2 - phone.left - menu.offsetWidth / 2;
  menu.style.top = Math.max(above, 56) + "px";
  menu.style.left = Math.min(Math.max(left, 8), phone.width - menu.offsetWidth - 8) + "px";
  button.focus({ preventScroll: true });
}

function copyable(bubble, text) {
  bubble.tabIndex = 0;
  let timer = 0, shown = false;
  const selecting = () => String(window.getSelection()) !== "";
  bubble.addEventListener("pointerdown", () => {
    shown = false;
    timer = setTimeout(() => { shown = true; openMenu(bubble, text); }, LONG_PRESS_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave", "pointermove"]) {
    bubble.addEventListener(end, (event) => {
      if (end !== "pointermove" || Math.abs(event.movementX) + Math.abs(event.movementY) > 2) clearTimeout(timer);
    });
  }
  bubble.addEventListener("contextmenu", (event) => { if (!selecting()) event.preventDefault(); });
  bubble.addEventListener("click", () => { if (!shown && !selecting()) openMenu(bubble, text); });
  bubble.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openMenu(bubble, text); }
  });
}

// -- lines of the chat

function clockOf(when) {
  return when.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: ZONE });
}

function dayOf(when) { return when.toLocaleDateString("zh-CN", { month: "long", day: "numeric", timeZone: ZONE }); }

function timeLine(when) {
  if (when - lastTime > GAP_MS) {
    const day = dayOf(when) === dayOf(new Date()) ? "" : dayOf(when) + " ";
    add(make("div", "time", day + clockOf(when)));
  }
  lastTime = when;
}

function add(node) {
  if (typing && node !== typing) lines.insertBefore(node, typing);
  else lines.append(node);
}

function rowOf(mine, content) {
  const row = make("div", mine ? "row mine" : "row");
  const face = make("span", "face", mine ? (me.name || me.userid.slice(-2)).slice(0, 1) : say.face);
  face.setAttribute("aria-hidden", "true");
  row.append(face, content);
  return row;
}

function bubbleOf(text) {
  const bubble = make("div", "bubble", text);
  copyable(bubble, text);
  return bubble;
}

function show(message) {
  const follow = nearEnd() || message.mine;
  if (message.sequence) last = Math.max(last, message.sequence);
  if (message.body.key && confirmed(message)) return;
  const row = rowOf(message.mine, message.msgtype === "template_card" ? cardOf(message) : bubbleOf(textOf(message)));
  if (message.sequence) row.dataset.sequence = message.sequence;
  if (message.body.key) row.dataset.key = message.body.key;
  const old = message.body.replaces && lines.querySelector(`[data-sequence="${Number(message.body.replaces)}"]`);
  if (old) {
    old.replaceWith(row);
  } else {
    timeLine(new Date(message.at));
    add(row);
    if (!message.mine) settle();
  }
  if (follow) toEnd();
  return row;
}

function textOf(message) {
  const content = message.body.content;
  return typeof content === "string" ? content : say.kind;
}

function confirmed(message) {
  const row = lines.querySelector(`[data-key="${CSS.escape(message.body.key)}"]`);
  if (row) row.dataset.sequence = message.sequence;
  return row;
}

// -- cards

function cardOf(message) {
  const body = message.body, card = make("div", "card"), inner = make("div", "card-body");
  const title = body.main_title || {};
  if (title.title) inner.append(make("h3", "", title.title));
  if (title.desc) inner.append(make("p", "", title.desc));
  if (body.sub_title_text) inner.append(make("p", "", body.sub_title_text));
  if (body.quote_area && (body.quote_area.title || body.quote_area.quote_text)) {
    const quote = make("blockquote");
    if (body.quote_area.title) quote.append(make("b", "", body.quote_area.title));
    if (body.quote_area.quote_text) quote.append(body.quote_area.quote_text);
    inner.append(quote);
  }
  const facts = body.horizontal_content_list || [];
  if (facts.length) {
    const list = make("dl");
    for (const fact of facts) list.append(make("dt", "", fact.keyname), make("dd", "", fact.value || ""));
    inner.append(list);
  }
  card.append(inner);
  const buttons = buttonsOf(message);
  if (buttons) card.append(buttons);
  return card;
}

function buttonsOf(message) {
  const list = message.body.button_list || [];
  if (!list.length) return null;
  const done = message.body.button && (message.body.button.replace_name || say.buttonDone);
  const box = make("div", list.length > 4 && !done ? "card-buttons stacked" : "card-buttons");
  for (const each of done ? [{ text: done }] : list) {
    const button = make("button", "style-" + (Number(each.style) || 0), each.text);
    button.type = "button";
    button.disabled = Boolean(done);
    button.addEventListener("click", () => press(box, message, each.key));
    box.append(button);
  }
  return box;
}

async function press(box, message, key) {
  const buttons = [...box.querySelectorAll("button")];
  buttons.forEach((button) => { button.disabled = true; });
  wait();
  try {
    await post("click", { userid: me.userid, sequence: message.sequence, key });
  } catch {
    settle();
    toast(say.cardFailed);
  }
  setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), 1500);
}

// -- waiting for an answer

function wait() {
  settle();
  const dots = make("span", "dots");
  dots.append(make("i"), make("i"), make("i"));
  const bubble = make("div", "bubble");
  bubble.append(dots);
  typing = rowOf(false, bubble);
  typing.setAttribute("aria-hidden", "true");
  lines.append(typing);
  toEnd();
  patience = setTimeout(() => { settle(); add(make("div", "notice", say.late)); toEnd(); }, PATIENCE_MS);
}

function settle() {
  clearTimeout(patience);
  if (typing) typing.remove();
  typing = null;
}

// -- sending

async function send(text, oldRow) {
  if (!text.trim()) return;
  const key = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  if (oldRow) oldRow.remove();
  const row = show({ mine: true, msgtype: "text", body: { content: text, key }, at: new Date().toISOString() });
  row.classList.add("waiting");
  const mine = round;
  wait();
  try {
    await post("send", { userid: me.userid, text, key });
    row.classList.remove("waiting");
  } catch {
    if (mine !== round) return;
    settle();
    row.classList.remove("waiting");
    const again = make("button", "failed", say.failed);
    again.type = "button";
    again.addEventListener("click", () => { again.remove(); send(text, row); });
    row.after(again);
    toEnd();
  }
}

function grow() {
  const follow = nearEnd();
  words.style.height = "40px";
  words.style.height = Math.min(words.scrollHeight + 2, 132) + "px";
  sendButton.disabled = !words.value.trim();
  if (follow) toEnd();
}

function submit() {
  const text = words.value;
  if (!text.trim()) return;
  words.value = "";
  grow();
  send(text);
}

byId("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
words.addEventListener("input", grow);
words.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter chooses a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
byId("chips").addEventListener("click", (event) => {
  const chip = event.target.closest("button");
  if (chip) send(chip.dataset.text || chip.textContent);
});

byId("chips").addEventListener("wheel", (event) => {
  if (Math.abs(event.deltaY) <= Math.abs(event.deltaX)) return;
  event.preventDefault();
  byId("chips").scrollLeft += event.deltaY;
}, { passive: false });

// -- receiving

async function poll(mine) {
  while (mine === round) {
    try {
      const answer = await fetch(`/phone/messages?userid=${encodeURIComponent(me.userid)}&after=${last}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const { messages } = await answer.json();
      if (mine !== round) return;
      if (lostNotice) lostNotice.remove();
      lostNotice = null;
      messages.forEach(show);
    } catch {
      if (mine !== round) return;
      if (!lostNotice) {
        lostNotice = make("div", "notice", say.lost);
        add(lostNotice);
        toEnd();
      }
      await new Promise((done) => setTimeout(done, POLL_PAUSE_MS));
    }
  }
}

// -- members

function be(button) {
  settle();
  closeMenu();
  round += 1;
  last = 0;
  lastTime = 0;
  lostNotice = null;
  lines.replaceChildren();
  if (me) me.button.removeAttribute("aria-current");
  me = { userid: button.dataset.userid, name: button.dataset.name, button };
  button.setAttribute("aria-current", "true");
  byId("who").textContent = me.name ? `${me.name} · ${me.userid}` : me.userid;
  try { sessionStorage.setItem("member", me.userid); } catch { /* private mode: the choice is not kept */ }
  poll(round);
  post("enter", { userid: me.userid }).catch(() => {});
}

function closeSheet() {
  byId("veil").hidden = true;
  byId("switch").focus();
}

byId("switch").addEventListener("click", () => {
  byId("veil").hidden = false;
  me.button.focus();
});
byId("cancel").addEventListener("click", closeSheet);
byId("veil").addEventListener("click", (event) => { if (event.target === byId("veil")) closeSheet(); });
byId("people").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  closeSheet();
  if (button !== me.button) be(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeMenu();
  if (!byId("veil").hidden) closeSheet();
});
document.addEventListener("pointerdown", (event) => { if (menu && !menu.contains(event.target)) closeMenu(); }, true);
chat.addEventListener("scroll", closeMenu);

function tick() { byId("statusbar-time").textContent = clockOf(new Date()); }
tick();
setInterval(tick, 10000);

function start() {
  let kept = null;
  try { kept = sessionStorage.getItem("member"); } catch { /* private mode */ }
  const people = [...byId("people").querySelectorAll("button")];
  be(people.find((button) => button.dataset.userid === kept) || people[0]);
}
start();
