"use strict";
(() => {
  const $ = (query, from = document) => from.querySelector(query);
  const main = () => $("main");

  // Relative times stay fresh; the absolute one is in the title.
  const units = [["days", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const rough = (seconds) => {
    const [name, size] = units.find(([, s]) => seconds >= s) || units[3];
    const count = Math.floor(seconds / size);
    return count + " " + (name === "days" && count === 1 ? "day" : name);
  };
  const refreshTimes = () => document.querySelectorAll("time[data-ago]").forEach((el) => {
    const seconds = (Date.now() - Date.parse(el.dateTime)) / 1000;
    el.textContent = Math.abs(seconds) < 5 ? "just now" : seconds > 0 ? rough(seconds) + " ago" : "in " + rough(-seconds);
  });
  setInterval(refreshTimes, 5000);

  // The icon counts open incidents.
  const drawIcon = (count) => {
    if (!count) return;
    const label = count > 9 ? "9+" : String(count);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#c02b37"/><text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="20" fill="#fff">${label}</text></svg>`;
    $("link[rel=icon]").href = "data:image/svg+xml," + encodeURIComponent(svg);
  };
  drawIcon(Number(document.body.dataset.open));

  // Live: what changed on the server replaces <main>, unless somebody is typing in it.
  let pending = 0, lastPulse = null;
  const busy = () => main().contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)
    || $("main details[open]") || $("dialog[open]") || $("main[data-busy]");
  const reload = async () => {
    if (busy()) return;
    const answer = await fetch(location.href, { headers: { "X-Live": "1" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected || busy()) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = $("main", page);
    if (!fresh) return;
    const focused = document.activeElement && document.activeElement.id;
    main().replaceWith(fresh);
    const nav = $(".top nav", page);
    if (nav && $(".top nav")) $(".top nav").replaceWith(nav);
    if ($("#notices", page)) $("#notices").replaceWith($("#notices", page));
    document.title = page.title;
    $("link[rel=icon]").href = $("link[rel=icon]", page).href;
    drawIcon(Number(page.body.dataset.open));
    if (focused && $("#" + CSS.escape(focused))) $("#" + CSS.escape(focused)).focus();
    select(chosen);
    document.dispatchEvent(new Event("watchpost:fresh"));
  };
  const soon = () => { clearTimeout(pending); pending = setTimeout(reload, 300); };
  const poll = async () => {
    const answer = await fetch("/pulse.json").catch(() => null);
    if (!answer || !answer.ok) return;
    const pulse = (await answer.json()).change;
    if (lastPulse !== null && pulse !== lastPulse) soon();
    lastPulse = pulse;
  };
  const live = () => {
    let polling = 0;
    const events = new EventSource("/events/");
    events.addEventListener("changed", soon);
    events.onopen = () => { clearInterval(polling); polling = 0; };
    events.onerror = () => { if (!polling) { poll(); polling = setInterval(poll, 10000); } };
    addEventListener("pagehide", () => events.close());
  };
  if (main() && "live" in main().dataset) {
    live();
    // Looks alone announce nothing: a page that waits for one asks by itself.
    setInterval(() => { if (!document.hidden && $("main [data-wait]")) reload(); }, 2000);
    setInterval(() => { if (!document.hidden && $("main [data-fresh]")) reload(); }, 30000);
  }

  // Keys.
  let chosen = -1, goes = 0;
  const items = () => [...document.querySelectorAll("main [data-item]")];
  const select = (index) => {
    const list = items();
    list.forEach((el) => el.classList.remove("here"));
    if (index < 0 || !list.length) return;
    chosen = Math.min(index, list.length - 1);
    list[chosen].classList.add("here");
    const link = $("a", list[chosen]);
    if (link) link.focus();
  };
  const places = { o: "/", i: "/incidents/", m: "/monitors/", c: "/channels/", s: "/settings/" };
  const keys = {
    "/": () => $("#find").focus(), "g": () => { goes = Date.now(); }, "j": () => select(chosen + 1),
    "k": () => select(Math.max(chosen - 1, 0)), "?": () => $("#keys").showModal(),
    "a": () => { const button = $("[data-key=a]"); if (button) button.click(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !$("#keys")) return;
    if (/INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) { if (event.key === "Escape") event.target.blur(); return; }
    if (Date.now() - goes < 1200 && places[event.key]) { location.href = places[event.key]; return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // After a refusal one stands at the first thing to correct.
  const wrong = $("main [aria-invalid=true]") || $("main ul.errors");
  if (wrong) wrong.focus();

  // A secret that is shown once can be copied.
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = "copied"; });
  });
})();
