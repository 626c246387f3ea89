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
  const { body } = document;
  const LATE = 10000;
  let pending = 0, loading = false, behind = false, heard = Date.now(), calm = null;
  // What is open is not taken away; a fold that is part of the page (data-kept) stays as it is when the page is refreshed.
  const busy = () => main().contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)
    || $("main details[open]:not([data-kept])") || $("dialog[open]") || $("main[data-busy]");
  const ask = (address) => fetch(address, { headers: { "X-Live": "1" }, signal: AbortSignal.timeout(8000) }).catch(() => null);

  // A page that is not up to date says so: in a strip, in the tab's title and icon.
  const unsure = "data:image/svg+xml," + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#6b6c73"/><text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="20" fill="#fff">?</text></svg>');
  const since = () => new Date(calm.at).toLocaleTimeString("en-GB", { timeZone: body.dataset.zone });
  const old = (words, link) => {
    if (!calm) {
      calm = { at: heard, title: document.title, icon: $("link[rel=icon]").href };
      document.title = "Not up to date · " + calm.title;
      $("link[rel=icon]").href = unsure;
    }
    behind = true;
    const line = document.createElement("p"), text = words(since());
    if ($("#stale").firstChild && $("#stale").firstChild.dataset.text === text) return;
    line.dataset.text = text;
    line.append(text);
    if (link) line.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: "Sign in" }));
    $("#stale").replaceChildren(line);
  };
  const upToDate = () => {
    if (calm) { document.title = calm.title; $("link[rel=icon]").href = calm.icon; }
    calm = null; behind = false;
    $("#stale").replaceChildren();
  };
  const silent = () => old((at) => `Not up to date since ${at}: the server does not answer. Trying again.`);
  const waits = () => old((at) => `Not up to date since ${at}. It is refreshed when you have closed what is open.`);
  const signedOut = () => {
    heard = Date.now();
    old((at) => `You are signed out. Not up to date since ${at}.`, "/accounts/login/?next=" + encodeURIComponent(location.pathname + location.search));
  };

  const reload = async () => {
    if (busy()) { if (calm) waits(); return; }
    if (loading) return;
    loading = true;
    const answer = await ask(location.href);
    const text = answer && answer.ok ? await answer.text().catch(() => "") : "";
    loading = false;
    if (!answer || answer.status >= 500) return; // the next sign of life asks again
    heard = Date.now();
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/accounts/")) { signedOut(); return; }
    if (!answer.ok || answer.redirected) { location.reload(); return; } // gone or moved: the server's own words
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = $("main", page);
    if (!fresh || busy()) return;
    if ($("script[src]", page).getAttribute("src") !== $("script[src]").getAttribute("src")) { location.reload(); return; }
    show(page, fresh);
  };
  const show = (page, fresh) => {
    const focused = document.activeElement && document.activeElement.id;
    document.querySelectorAll("main details[data-kept]").forEach((one) => { const next = $("#" + one.id, fresh); if (next) next.open = one.open; });
    main().replaceWith(fresh);
    const nav = $(".top nav", page);
    if (nav && $(".top nav")) $(".top nav").replaceWith(nav);
    if ($("#notices", page)) $("#notices").replaceWith($("#notices", page));
    upToDate();
    body.dataset.mark = page.body.dataset.mark;
    document.title = page.title;
    $("link[rel=icon]").href = $("link[rel=icon]", page).href;
    drawIcon(Number(page.body.dataset.open));
    if (focused && $("#" + CSS.escape(focused))) $("#" + CSS.escape(focused)).focus();
    select(chosen);
    document.dispatchEvent(new Event("watchpost:fresh"));
  };
  // Every sign of life says where the changes stand; a page made before them asks for itself again.
  const hear = (mark) => {
    heard = Date.now();
    if (mark === body.dataset.mark && !behind) return;
    clearTimeout(pending);
    pending = setTimeout(reload, calm ? 0 : 300);
  };
  const poll = async () => {
    const answer = await ask("/pulse.json");
    const told = answer && answer.ok ? await answer.json().catch(() => null) : null;
    if (told && !told.signed_in) signedOut();
    else if (told) hear(told.mark);
  };
  const live = () => {
    let stream = null, turn = 0, last = Date.now();
    const open = () => {
      if (stream) stream.close();
      stream = new EventSource("/events/");
      stream.addEventListener("beat", (event) => hear(event.data));
    };
    const closed = () => stream.readyState === EventSource.CLOSED;
    const late = () => Date.now() - heard > LATE;
    open();
    setInterval(async () => {
      const slept = Date.now() - last > 5000;
      last = Date.now();
      turn += 1;
      if (slept) await poll(); // a laptop that wakes up asks before it complains
      else if (turn % 60 === 0 || turn % 4 === 0 && (closed() || Date.now() - heard > 6000)) poll();
      if (turn % 15 === 0 && (closed() || late())) open();
      if (late()) silent();
    }, 1000);
    addEventListener("online", poll);
    addEventListener("pagehide", () => stream.close());
    addEventListener("pageshow", (event) => { if (event.persisted) { behind = true; open(); poll(); } });
  };
  if (main() && "live" in main().dataset && body.dataset.mark) {
    live();
    // Looks alone announce nothing: a page that waits for one asks by itself.
    setInterval(() => { if (!document.hidden && $("main [data-wait]")) reload(); }, 2000);
    setInterval(() => { if (!document.hidden && $("main [data-fresh]")) reload(); }, 15000);
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
  const places = { o: "/", i: "/incidents/", m: "/monitors/", b: "/heartbeats/", e: "/calendar/", c: "/channels/", s: "/settings/" };
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
  const wrong = $("main [aria-invalid=true], main .bad fieldset") || $("main ul.errors");
  if (wrong) wrong.focus();

  // Another project has other monitors to tick.
  document.addEventListener("change", (event) => {
    const { name, value, dataset } = event.target;
    if (dataset && "reloads" in dataset) location.search = new URLSearchParams({ [name]: value });
  });

  // Who named no zone is offered the browser's.
  const zones = $("select[data-propose]"), here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zones && !zones.value && [...zones.options].some((option) => option.value === here)) {
    const hint = document.createElement("small");
    const use = Object.assign(document.createElement("button"), { type: "button", className: "btn small", textContent: "Use it" });
    use.addEventListener("click", () => { zones.value = here; hint.textContent = "Save to keep it."; zones.focus(); });
    hint.className = "soft";
    hint.append("Your browser is in " + here + ". ", use);
    zones.after(hint);
  }

  // What a value would do is told as it is typed. An answer that comes late is not shown over a newer one.
  let typed = 0, turn = 0;
  const preview = async (box) => {
    const mine = ++turn, form = box.closest("form"), asked = new URLSearchParams();
    box.dataset.of.split(" ").forEach((name) => asked.set(name, form.elements[name] ? form.elements[name].value : ""));
    const answer = await ask(box.dataset.preview + "?" + asked);
    if (!answer || !answer.ok || answer.redirected || mine !== turn) return;
    const piece = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine === turn) box.replaceChildren(...piece.body.childNodes);
  };
  document.addEventListener("input", (event) => {
    const box = $("main [data-preview]");
    if (!box || !box.dataset.of.split(" ").includes(event.target.name)) return;
    clearTimeout(typed);
    typed = setTimeout(preview, 250, box);
  });

  // What is shown to be copied. Without https a browser has no clipboard for pages: then its old way.
  const byHand = (text) => {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("refused"));
  };
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    const way = navigator.clipboard ? navigator.clipboard.writeText(copy.dataset.copy) : byHand(copy.dataset.copy);
    way.then(() => { copy.textContent = "copied"; }, () => { copy.textContent = "select it by hand"; });
  });
})();
