// Charts of time: how many URLs were under way, and what each of them waited for.
"use strict";

const WATERFALL_ROWS = 40;
const PHASES = ["before", "dns", "connect", "tls", "first byte", "transfer"];

function flight(columns) {
  const spans = [];
  let end = 0;
  columns.start.forEach((start, index) => {
    if (start === null || columns.total[index] === null) return;
    spans.push([start, start + columns.total[index]]);
    end = Math.max(end, start + columns.total[index]);
  });
  if (!spans.length) return 0;
  const steps = 240;
  const changes = new Float64Array(steps + 2);
  for (const [from, to] of spans) {
    changes[Math.floor((from / end) * steps)] += 1;
    changes[Math.min(Math.floor((to / end) * steps) + 1, steps + 1)] -= 1;
  }
  let now = 0;
  const points = Array.from({ length: steps + 1 }, (_, step) => ({
    at: ((step / steps) * end) / TENTHS,
    urls: (now += changes[step]),
  }));
  const most = Math.max(...points.map((point) => point.urls));
  show(
    "flight",
    () =>
      `Area: how many URLs were under way at once during the ${(end / TENTHS).toFixed(1)} seconds; at most ${most}.`,
    (width) =>
      plot({
        width,
        height: 150,
        marginLeft: 44,
        marginRight: 12,
        marginTop: 12,
        marginBottom: 28,
        x: { label: null, domain: [0, end / TENTHS] },
        y: { label: null },
        marks: [
          gridY({ ticks: 3, strokeOpacity: 0.12 }),
          axisY({ ticks: 3, tickSize: 0, label: null }),
          axisX({
            ticks: width < 500 ? 4 : 8,
            tickSize: 3,
            label: null,
            tickFormat: (seconds) => `${seconds} s`,
          }),
          areaY(points, {
            x: "at",
            y: "urls",
            curve: "step-after",
            fill: colour("size"),
            stroke: colour("received"),
            strokeWidth: 1.5,
          }),
          ruleY([0], { strokeOpacity: 0.4 }),
        ],
      }),
  );
  return end;
}

function waterfall(data) {
  const { columns } = data;
  const timed = columns.start.flatMap((start, index) =>
    start === null || columns.total[index] === null ? [] : [index],
  );
  const orders = {
    start: timed.toSorted((a, b) => columns.start[a] - columns.start[b]),
    slow: timed.toSorted((a, b) => columns.total[b] - columns.total[a]),
  };
  const order = byId("waterfall-order");
  let page = 0;
  const draw = () => {
    const rows = orders[order.value].slice(page * WATERFALL_ROWS, (page + 1) * WATERFALL_ROWS);
    const parts = rows.flatMap((row, place) =>
      phases(data, row).map((part) => ({ ...part, place: String(place) })),
    );
    const label = () => `Bars: what each of ${rows.length} URLs waited for, and when.`;
    show("waterfall", label, (width) => {
      const space = Math.min(Math.max(width * 0.38, 110), 360);
      const letters = Math.floor((space - 12) / 6.4);
      const first = Math.min(...rows.map((row) => columns.start[row])) / TENTHS;
      return plot({
        width,
        height: rows.length * 20 + 32,
        marginLeft: space,
        marginRight: 12,
        marginTop: 24,
        marginBottom: 4,
        x: {
          label: null,
          domain: [first, Math.max(...parts.map((part) => part.to), first + 0.001)],
        },
        y: { label: null, domain: rows.map((_, place) => String(place)), padding: 0.3 },
        marks: [
          gridX({ ticks: width < 500 ? 3 : 6, strokeOpacity: 0.12 }),
          axisX({
            anchor: "top",
            ticks: width < 500 ? 3 : 6,
            tickSize: 0,
            label: null,
            tickFormat: (seconds) => `${Number(seconds.toPrecision(6))} s`,
          }),
          axisY({
            tickSize: 0,
            label: null,
            tickFormat: (place) => short(named(columns.url[rows[Number(place)]], letters), letters),
          }),
          barX(parts, {
            x1: "from",
            x2: "to",
            y: "place",
            fill: (part) => colour(part.phase),
            title: "title",
          }),
        ],
      });
    });
  };
  order.addEventListener("change", () => {
    page = 0;
    pager.refresh();
    draw();
  });
  const pager = paged(
    byId("waterfall-pager"),
    "URLs",
    WATERFALL_ROWS,
    () => timed.length,
    () => page,
    (next) => {
      page = next;
      draw();
    },
  );
  pager.refresh();
  draw();
}

// Where a URL is too long, its end is shown, which differs more than its beginning.
function named(url, letters) {
  const plain = url.replace(/^https?:\/\//, "");
  return plain.length <= letters ? plain : `…${plain.slice(-(letters - 1))}`;
}

function phases({ columns, results }, row) {
  const failed = results[columns.result[row]] === "failed";
  const known = PHASES.slice(1).map((phase) => columns[phase][row] ?? 0);
  const before = Math.max(0, columns.total[row] - known.reduce((sum, part) => sum + part, 0));
  let at = columns.start[row];
  const about = [`${columns.url[row]}: ${time(columns.total[row])}`];
  const parts = [before, ...known].map((part, index) => {
    if (part && (index || !failed))
      about.push(`${index ? PHASES[index] : "waiting, redirects, earlier attempts"} ${time(part)}`);
    const from = at / TENTHS;
    at += part;
    return { phase: failed && !index ? "failed" : PHASES[index], from, to: at / TENTHS };
  });
  if (failed) about.push(`failed: ${columns.message[row] ?? ""}`);
  const title = about.join("\n");
  return parts.filter((part) => part.to > part.from).map((part) => ({ ...part, title }));
}
