// Charts of sums: by type, by host, and how sizes are spread. All that comes from outside is text.
"use strict";

const { plot, areaY, axisX, axisY, barX, gridX, gridY, rectY, ruleY, text: words } = Plot;
const charts = JSON.parse(byId("charts").textContent);
const drawn = new Map();

function show(name, label, make) {
  const figure = document.querySelector(`[data-chart="${name}"]`);
  if (!figure) return;
  drawn.set(figure, () => {
    const width = figure.clientWidth;
    if (!width) return;
    const svg = make(width);
    // The policy of the page allows no style that it does not know; report.css has it instead.
    for (const style of svg.querySelectorAll("style")) style.remove();
    // It is one picture with one description; those of its parts would only be noise.
    for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label());
    figure.replaceChildren(svg);
  });
  drawn.get(figure)();
  resized.observe(figure);
}
const widths = new WeakMap();
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = target.clientWidth;
    if (widths.has(target) && widths.get(target) !== width) drawn.get(target)();
    widths.set(target, width);
  }
});

function weightBars(name, what) {
  const bars = charts[name];
  const longest = Math.max(...bars.map((bar) => bar.label.length), 4);
  const end = (bar) => Math.max(bar.decoded, bar.wire);
  const most = Math.max(...bars.map(end), 1);
  show(
    name,
    () => `Bars: bytes by ${what}; “Figures” below has them as a table.`,
    (width) => {
      const space = Math.min(longest * 7 + 10, width * 0.4);
      const letters = Math.floor((space - 10) / 7);
      const ticks = binaryTicks(most, width < 420 ? 2 : 4);
      return plot({
        width,
        height: bars.length * 26 + 30,
        marginLeft: space,
        marginRight: 64,
        marginTop: 0,
        marginBottom: 26,
        x: { label: null },
        y: { label: null, domain: bars.map((bar) => bar.label), padding: 0.35 },
        marks: [
          gridX({ ticks, strokeOpacity: 0.12 }),
          axisX({ ticks, tickFormat: round, tickSize: 0, label: null }),
          axisY({ tickSize: 0, tickFormat: (label) => short(label, letters), label: null }),
          barX(bars, {
            x: "decoded",
            y: "label",
            fill: colour("size"),
            rx: 2,
            title: (bar) =>
              `${bar.label}: ${count(bar.urls, "URL")}, ${size(bar.decoded)}, ${size(bar.wire)} received`,
          }),
          barX(bars, {
            x: "wire",
            y: "label",
            fill: colour("received"),
            insetTop: 4,
            insetBottom: 4,
            rx: 2,
            title: (bar) => `${bar.label}: ${size(bar.wire)} received`,
          }),
          words(bars, {
            x: end,
            y: "label",
            text: (bar) => round(bar.decoded),
            textAnchor: "start",
            dx: 6,
            fill: "currentColor",
          }),
        ],
      });
    },
  );
}

// Round numbers of bytes for an axis: powers of two, and their multiples.
function binaryTicks(most, wanted) {
  let step = 1;
  while (most / step > wanted) step *= 2;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

function distribution() {
  const bins = charts.sizes;
  if (!bins.length) return;
  show(
    "sizes",
    () =>
      `Columns: how many URLs there are of each size, from ${size(bins[0].from)} to ${size(bins[bins.length - 1].to)}.`,
    (width) => {
      const every = Math.ceil(bins.length / Math.max(2, Math.floor(width / 70)));
      const places = bins.map((_, index) => index).filter((index) => index % every === 0);
      return plot({
        width,
        height: 220,
        marginLeft: 44,
        marginRight: 8,
        marginTop: 16,
        marginBottom: 28,
        x: { domain: [0, bins.length], label: null },
        y: { label: null },
        marks: [
          gridY({ ticks: 4, strokeOpacity: 0.12 }),
          axisY({
            ticks: 4,
            tickSize: 0,
            label: null,
            tickFormat: (number) => (Number.isInteger(number) ? integers.format(number) : ""),
          }),
          axisX({
            ticks: places,
            tickSize: 3,
            tickFormat: (index) => (bins[index] ? round(bins[index].from) : ""),
            label: null,
          }),
          rectY(bins, {
            x1: (_, index) => index,
            x2: (_, index) => index + 1,
            y: "urls",
            inset: 1,
            rx: 2,
            fill: colour("received"),
            title: (bin) =>
              `${count(bin.urls, "URL")} of ${size(bin.from)} to ${size(Math.max(bin.to - 1, 0))}`,
          }),
          ruleY([0], { strokeOpacity: 0.4 }),
        ],
      });
    },
  );
}
