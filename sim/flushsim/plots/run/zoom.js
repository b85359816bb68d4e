// Zooms the time axis of a plot and shows the values of the curves at the pointer. The plot is complete without it.
(() => {
  "use strict";
  const timeline = JSON.parse(document.getElementById("timeline").textContent);
  const plot = document.querySelector(".plot"), svg = plot.querySelector("svg"), readout = plot.querySelector(".readout");
  const { left, right, bottom, panels, start, end } = timeline, wide = right - left, NS = svg.namespaceURI;
  const x = (time) => left + (time - from) / (to - from) * wide;
  const whole = (time) => left + (time - start) / (end - start) * wide;
  let from = start, to = end;

  const make = (tag, attributes, parent) => {
    const element = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  const grid = document.createElementNS(NS, "g");
  svg.querySelector("g").insertBefore(grid, svg.querySelector("g").children[1]);
  const pointer = make("line", { stroke: "var(--faint)", "stroke-width": 0.8, visibility: "hidden" }, svg);
  pointer.setAttribute("y1", panels[0].top);
  pointer.setAttribute("y2", bottom);

  function ticks() {
    const rough = (to - from) / 12, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), times = [];
    for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-6; n++) times.push((n * step).toFixed(digits));
    return times;
  }
  function draw() {
    const scale = (end - start) / (to - from), shift = x(start) - left * scale;
    for (const one of svg.querySelectorAll(".zoom")) one.setAttribute("transform", `matrix(${scale} 0 0 1 ${shift} 0)`);
    for (const one of svg.querySelectorAll(".at")) {
      const time = Number(one.dataset.time), room = scale >= timeline.every || !one.classList.contains("thin");
      const inside = time >= from && time <= to && room;
      one.setAttribute("transform", `translate(${x(time) - whole(time)} 0)`);
      one.setAttribute("visibility", inside ? "visible" : "hidden");
    }
    grid.replaceChildren();
    for (const time of ticks()) {
      const at = x(Number(time));
      for (const panel of panels) if (panel.grid)
        make("line", { x1: at, x2: at, y1: panel.top, y2: panel.bottom, stroke: "var(--grid)", "stroke-width": 0.6 }, grid);
      make("line", { x1: at, x2: at, y1: bottom, y2: bottom + 3, stroke: "var(--ink)", "stroke-width": 0.7 }, grid);
      make("text", { x: at, y: bottom + 13, "text-anchor": "middle", "font-size": 8.5, fill: "var(--ink)" }, grid)
        .textContent = time.replace("-", "\u2212");
    }
  }
  function view(a, b) {
    const span = Math.min(Math.max(b - a, 0.02), end - start);
    from = Math.min(Math.max(a, start), end - span);
    to = from + span;
    readout.hidden = true;
    pointer.setAttribute("visibility", "hidden");
    // A finger scrolls the page, and a wide plot, until the plot is zoomed.
    plot.style.touchAction = span < end - start ? "pan-y" : "auto";
    draw();
  }
  const zoom = (factor, time = (from + to) / 2) => view(time - (time - from) * factor, time + (to - time) * factor);
  const pan = (share) => view(from + (to - from) * share, to + (to - from) * share);
  function timeAt(event) {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    return from + (at - left) / wide * (to - from);
  }
  function showReadout(event) {
    const time = timeAt(event);
    readout.hidden = time < from || time > to;
    pointer.setAttribute("visibility", readout.hidden ? "hidden" : "visible");
    if (readout.hidden) return;
    pointer.setAttribute("x1", x(time));
    pointer.setAttribute("x2", x(time));
    const lines = [`${time.toFixed(3)} s`];
    for (const span of timeline.spans) if (time >= span.from && time < span.to) lines.push(span.text);
    for (const curves of timeline.curves) {
      let low = 0, high = curves.times.length - 1;
      while (high - low > 1) { const middle = low + high >> 1; curves.times[middle] <= time ? low = middle : high = middle; }
      const share = Math.min(1, Math.max(0, (time - curves.times[low]) / (curves.times[high] - curves.times[low] || 1)));
      const parts = [];
      for (const one of curves.values) {
        const [a, b] = [one.data[low], one.data[high]], value = a === null || b === null ? null : a + (b - a) * share;
        const text = value === null ? "none" : `${value.toFixed(one.digits)} ${one.unit}`;
        if (!curves.segment) lines.push(`${one.name}: ${text}`);
        else if (value >= 0.5) parts.push(`${one.name} ${text}`);
      }
      if (curves.segment) lines.push(`${curves.segment}: ${parts.join(", ")}`);
    }
    readout.textContent = lines.join("\n");
    const box = plot.getBoundingClientRect(), room = box.width - readout.offsetWidth;
    const beside = event.clientX - box.left + 16, before = Math.max(0, beside - 32 - readout.offsetWidth);
    readout.style.left = `${(beside > room ? before : beside) + plot.scrollLeft}px`;
    readout.style.top = `${Math.max(0, Math.min(event.clientY - box.top + 16, box.height - readout.offsetHeight))}px`;
  }

  for (const axis of svg.querySelectorAll(".time-axis")) axis.setAttribute("display", "none");
  let held = null;
  plot.addEventListener("pointerdown", (event) => { held = { at: timeAt(event) }; plot.setPointerCapture(event.pointerId); });
  plot.addEventListener("pointerup", () => { held = null; });
  plot.addEventListener("pointermove", (event) => {
    if (held) { const by = held.at - timeAt(event); view(from + by, to + by); } else showReadout(event);
  });
  plot.addEventListener("pointerleave", () => { readout.hidden = true; pointer.setAttribute("visibility", "hidden"); });
  plot.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;   // The plain wheel scrolls the page.
    event.preventDefault();
    zoom(event.deltaY + event.deltaX > 0 ? 1.25 : 0.8, timeAt(event));
  }, { passive: false });
  plot.addEventListener("dblclick", (event) => zoom(0.4, timeAt(event)));
  const acts = { in: () => zoom(0.5), out: () => zoom(2), back: () => pan(-0.3), on: () => pan(0.3), all: () => view(start, end) };
  const keys = { "+": "in", "=": "in", "-": "out", ArrowLeft: "back", ArrowRight: "on", 0: "all", Escape: "all" };
  for (const button of document.querySelectorAll(".tools button")) button.addEventListener("click", acts[button.dataset.act]);
  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    acts[keys[event.key]]();
  });
  document.querySelector(".tools").hidden = false;
  draw();
})();
