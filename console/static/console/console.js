// Small helps; every page works without them, but for the link of an invitation.
const counter = document.getElementById("counter");
const text = document.getElementById("id_text");
if (counter && text) {
  const { basic, extension, alone, part, wideAlone, widePart } = JSON.parse(
    document.getElementById("segments").textContent,
  );
  const words = JSON.parse(document.getElementById("counter-words").textContent);
  const cost = (letter) => (basic.includes(letter) ? 1 : extension.includes(letter) ? 2 : 0);
  // How many parts it takes, and how much is left of the last one.
  const partsOf = (costs, single, each) => {
    const all = costs.reduce((sum, one) => sum + one, 0);
    if (all <= single) return { parts: 1, left: single - all };
    let parts = 1, used = 0;
    for (const one of costs) {
      if (used + one > each) { parts += 1; used = 0; }
      used += one;
    }
    return { parts, left: each - used };
  };
  const count = () => {
    const letters = Array.from(text.value);
    const foreign = [...new Set(letters.filter((letter) => !cost(letter)))];
    const { parts, left } = foreign.length
      ? partsOf(letters.map((letter) => letter.length), wideAlone, widePart)
      : partsOf(letters.map(cost), alone, part);
    const because = foreign.length ? ` · Unicode: ${foreign.slice(0, 8).join(" ")}` : "";
    counter.textContent = `${words.letters} ${letters.length} · ${words.parts} ${parts} · ${words.left} ${left}${because}`;
    const without = plain(text.value);
    const fewer = partsOf(Array.from(without).map(cost), alone, part).parts;
    saver.hidden = !foreign.length || fewer >= parts || [...without].some((letter) => !cost(letter));
    if (!saver.hidden) saver.firstElementChild.textContent = `${foreign.slice(0, 8).join(" ")}: ${parts} → ${fewer}`;
  };
  // Letters that look alike, and typographic marks; nothing that changes a word.
  const marks = { "ł": "l", "Ł": "L", "„": '"', "”": '"', "“": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...", "\u00a0": " " };
  const plain = (given) => Array.from(given)
    .map((letter) => (cost(letter) ? letter : marks[letter] ?? letter.normalize("NFD").replace(/\p{M}/gu, "")))
    .join("");
  const saver = document.getElementById("saver");
  saver.lastElementChild.addEventListener("click", () => {
    text.focus();
    text.select();
    // As typed, so that the browser's own undo takes it back.
    if (!document.execCommand("insertText", false, plain(text.value))) text.value = plain(text.value);
    count();
  });
  text.addEventListener("input", count);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) text.form.requestSubmit();
  });
  count();
}

// What was typed outlives a server that is away, in this tab alone and until it is sent.
const draft = "draft";
if (text && text.form.querySelector("[name=once]")) {
  const fields = ["id_phone", "id_text", "id_at"].map((id) => document.getElementById(id));
  const kept = JSON.parse(sessionStorage.getItem(draft) ?? "null");
  if (kept && !text.value && !fields[0].value) {
    fields.forEach((field, place) => { field.value = kept.values[place] ?? ""; });
    text.dispatchEvent(new Event("input"));
  }
  const keep = (isSent) => sessionStorage.setItem(draft, JSON.stringify({ isSent, values: fields.map((field) => field.value) }));
  text.form.addEventListener("input", () => keep(false));
  text.form.addEventListener("submit", () => keep(true));
} else if (document.getElementById("id_login") || (document.getElementById("facts") && JSON.parse(sessionStorage.getItem(draft) ?? "null")?.isSent)) {
  sessionStorage.removeItem(draft);
}

// The token of an invitation stands in the fragment, which no server is sent.
const token = document.getElementById("token");
if (token && !token.value && location.hash.length > 1) {
  token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  token.form.submit();
}

// A page that shows what changes asks for itself again, and takes over its live parts.
const live = document.querySelectorAll("[data-live]");
if (live.length) {
  let waiting = null;
  // A part may name another page to be taken from: one that was made by a form cannot be asked for again.
  const from = (part) => part.dataset.liveFrom ?? location.href;
  const refresh = async () => {
    for (const place of new Set(Array.from(live, from))) await refreshFrom(place);
  };
  const refreshFrom = async (place) => {
    const answer = await fetch(place, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const anew = from(part) === place ? page.getElementById(part.id) : null;
      const inUse = part.contains(document.activeElement) || part.querySelector("details[open]");
      if (anew && anew.innerHTML !== part.innerHTML && !inUse) {
        part.innerHTML = anew.innerHTML;
      }
    }
  };
  // At most once a second, and not while nobody looks: a browser has few connections for one address.
  // What happens while it asks may not be in the answer: it asks once more.
  let again = false;
  const soon = () => {
    if (document.hidden) return;
    again = waiting !== null;
    if (again) return;
    waiting = setTimeout(() => {
      again = false;
      refresh().catch(() => null).finally(() => { waiting = null; if (again) soon(); });
    }, 1000);
  };
  let stream = null;
  const listen = () => {
    stream?.close();
    stream = null;
    if (document.hidden) return;
    stream = new EventSource("/console/live/stream/");
    stream.addEventListener("changed", soon);
    stream.addEventListener("open", soon); // and what happened before it was there
  };
  document.addEventListener("visibilitychange", () => { listen(); soon(); });
  setInterval(() => { if (stream?.readyState !== EventSource.OPEN) soon(); }, 10_000);
  // What tells of no event of its own.
  setInterval(() => { if (document.querySelector("[data-soon]")) soon(); }, 2_000);
  listen();
}

// How long something is good for, counted down.
const countDown = () => {
  for (const until of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.round((new Date(until.dateTime) - Date.now()) / 1000));
    until.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }
};
if (document.querySelector("[data-until]")) setInterval(countDown, 1000);

// Keys as in other consoles: `n` a new message, `g` and a letter to go, `/` to search, `j` and `k` to move
// along the rows, `?` to see them all, `Esc` to close what is open, or to leave a field.
const help = document.getElementById("keys");
document.getElementById("keys-open")?.removeAttribute("hidden");
document.getElementById("keys-open")?.addEventListener("click", () => help.showModal());
const move = (by) => {
  const rows = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
  const here = rows.findIndex((link) => link.closest("tr").contains(document.activeElement));
  rows[Math.max(0, Math.min(rows.length - 1, here < 0 ? 0 : here + by))]?.focus();
};
const close = () => {
  const { activeElement } = document;
  const opened = activeElement.closest("details[open]") ?? document.querySelector("main details[open]");
  if (activeElement.matches("input, textarea, select")) activeElement.blur();
  else if (opened) { opened.open = false; opened.querySelector("summary").focus(); }
};
let went = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
  if (event.key === "Escape") return close();
  if (event.target.closest("input, textarea, select")) return;
  const then = { o: "overview", m: "messages", r: "threads", c: "contacts", p: "phones" };
  const go = (place) => document.querySelector(`[data-place="${place}"]`)?.click();
  const keys = {
    n: () => go("send"),
    j: () => move(1),
    k: () => move(-1),
    "?": () => help?.showModal(),
    "/": () => { event.preventDefault(); document.getElementById("sought")?.focus(); },
  };
  if (went && then[event.key]) go(then[event.key]);
  else keys[event.key]?.();
  went = event.key === "g";
});
