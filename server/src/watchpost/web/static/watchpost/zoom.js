"use strict";
// Drawn when somebody asks to zoom: drag to zoom, double-click to reset. The chart library comes only then.
(() => {
  const load = (tag, attributes) => new Promise((done, fail) => {
    const el = Object.assign(document.createElement(tag), attributes);
    el.onload = done;
    el.onerror = fail;
    document.head.append(el);
  });
  const tone = (name) => {
    const probe = document.createElement("i");
    probe.className = name;
    document.body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  const draw = async (button) => {
    const { lib, css, series } = button.dataset;
    const [answer] = await Promise.all([fetch(series), window.uPlot || load("script", { src: lib }), load("link", { rel: "stylesheet", href: css })]);
    const points = (await answer.json()).points;
    const box = document.querySelector("#zoom");
    const pick = (key) => points.map((point) => point[key]);
    const ink = tone("soft"), line = tone("faint");
    const axis = { stroke: ink, grid: { stroke: line, width: 0.3 }, ticks: { show: false } };
    const curve = (label, name) => ({ label, stroke: tone(name), width: 1.5, spanGaps: true, value: (u, v) => v === null ? "–" : Math.round(v) + " ms" });
    const timeZone = document.body.dataset.zone;
    const said = (options) => (at) => new Date(at * 1000).toLocaleString("en-GB", { timeZone, ...options });
    const exact = said({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    const short = (ticks) => said(ticks.length > 1 && ticks[1] - ticks[0] >= 43200 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
    box.replaceChildren();
    box.hidden = false;
    new window.uPlot({
      width: box.clientWidth, height: 220, cursor: { drag: { x: true, y: false } },
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), timeZone),
      axes: [{ ...axis, values: (u, ticks) => ticks.map(short(ticks)) }, { ...axis, values: (u, all) => all.map((v) => v + " ms"), size: 64 }],
      series: [{ label: "At", value: (u, at) => at === null ? "–" : exact(at) }, curve("p50", "up"), curve("p95", "warn"), curve("p99", "down")],
    }, [pick("at"), pick("p50_ms"), pick("p95_ms"), pick("p99_ms")], box);
    document.querySelector("main").dataset.busy = "1";
    button.hidden = true;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-series]");
    if (button) draw(button);
  });
})();
