// Draws the charts and runs the table of a report. All that comes from outside is set as text.
"use strict";
(() => {
  const PAGE_ROWS = 100;
  const WATERFALL_ROWS = 40;
  const PHASES = ["before", "dns", "connect", "tls", "first byte", "transfer"];
  const TENTHS = 10000; // of milliseconds, in a second
  const { plot, areaY, axisX, axisY, barX, gridX, gridY, rectY, ruleY, text: words } = Charts;
  const byId = (id) => document.getElementById(id);
  const integers = new Intl.NumberFormat("en");
  const count = (number, noun) => `${integers.format(number)} ${noun}${number === 1 ? "" : "s"}`;
  const colour = (name) => `var(--${name.replace(" ", "-")})`;

  function size(bytes) {
    let unit = 0;
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
    return `${unit ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
  }
  const round = (bytes) => size(bytes).replace(".0 ", " ");
  function time(tenths) {
    const seconds = tenths / TENTHS;
    return seconds < 1 ? `${integers.format(Math.round(seconds * 1000))} ms` : `${seconds.toFixed(2)} s`;
  }
  function short(text, most) {
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  }

  // --- charts ---------------------------------------------------------------------------------
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
    show(name, () => `Bars: bytes by ${what}; “Figures” below has them as a table.`, (width) => {
      const room = Math.min(longest * 7 + 10, width * 0.4);
      const letters = Math.floor((room - 10) / 7);
      const ticks = binaryTicks(most, width < 420 ? 2 : 4);
      return plot({
        width, height: bars.length * 26 + 30, marginLeft: room, marginRight: 64, marginTop: 0, marginBottom: 26,
        x: { label: null },
        y: { label: null, domain: bars.map((bar) => bar.label), padding: 0.35 },
        marks: [
          gridX({ ticks, strokeOpacity: 0.12 }),
          axisX({ ticks, tickFormat: round, tickSize: 0, label: null }),
          axisY({ tickSize: 0, tickFormat: (label) => short(label, letters), label: null }),
          barX(bars, { x: "decoded", y: "label", fill: colour("size"), rx: 2, title: (bar) => `${bar.label}: ${count(bar.urls, "URL")}, ${size(bar.decoded)}, ${size(bar.wire)} received` }),
          barX(bars, { x: "wire", y: "label", fill: colour("received"), insetTop: 4, insetBottom: 4, rx: 2, title: (bar) => `${bar.label}: ${size(bar.wire)} received` }),
          words(bars, { x: end, y: "label", text: (bar) => round(bar.decoded), textAnchor: "start", dx: 6, fill: "currentColor" }),
        ],
      });
    });
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
    show("sizes", () => `Columns: how many URLs there are of each size, from ${size(bins[0].from)} to ${size(bins[bins.length - 1].to)}.`, (width) => {
      const every = Math.ceil(bins.length / Math.max(2, Math.floor(width / 70)));
      const places = bins.map((_, index) => index).filter((index) => index % every === 0);
      return plot({
        width, height: 220, marginLeft: 44, marginRight: 8, marginTop: 16, marginBottom: 28,
        x: { domain: [0, bins.length], label: null },
        y: { label: null },
        marks: [
          gridY({ ticks: 4, strokeOpacity: 0.12 }),
          axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (number) => Number.isInteger(number) ? integers.format(number) : "" }),
          axisX({ ticks: places, tickSize: 3, tickFormat: (index) => bins[index] ? round(bins[index].from) : "", label: null }),
          rectY(bins, { x1: (_, index) => index, x2: (_, index) => index + 1, y: "urls", inset: 1, rx: 2, fill: colour("received"), title: (bin) => `${count(bin.urls, "URL")} of ${size(bin.from)} to ${size(Math.max(bin.to - 1, 0))}` }),
          ruleY([0], { strokeOpacity: 0.4 }),
        ],
      });
    });
  }

  // --- rows -----------------------------------------------------------------------------------
  async function unpacked() {
    const bytes = Uint8Array.from(atob(byId("rows").textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

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
    const points = Array.from({ length: steps + 1 }, (_, step) => ({ at: (step / steps) * end / TENTHS, urls: (now += changes[step]) }));
    const most = Math.max(...points.map((point) => point.urls));
    show("flight", () => `Area: how many URLs were under way at once during the ${(end / TENTHS).toFixed(1)} seconds; at most ${most}.`, (width) => plot({
      width, height: 150, marginLeft: 44, marginRight: 12, marginTop: 12, marginBottom: 28,
      x: { label: null, domain: [0, end / TENTHS] }, y: { label: null },
      marks: [
        gridY({ ticks: 3, strokeOpacity: 0.12 }),
        axisY({ ticks: 3, tickSize: 0, label: null }),
        axisX({ ticks: width < 500 ? 4 : 8, tickSize: 3, label: null, tickFormat: (seconds) => `${seconds} s` }),
        areaY(points, { x: "at", y: "urls", curve: "step-after", fill: colour("size"), stroke: colour("received"), strokeWidth: 1.5 }),
        ruleY([0], { strokeOpacity: 0.4 }),
      ],
    }));
    return end;
  }

  function waterfall(data) {
    const { columns } = data;
    const timed = columns.start.flatMap((start, index) => start === null || columns.total[index] === null ? [] : [index]);
    const orders = {
      start: timed.toSorted((a, b) => columns.start[a] - columns.start[b]),
      slow: timed.toSorted((a, b) => columns.total[b] - columns.total[a]),
    };
    const order = byId("waterfall-order");
    let page = 0;
    const draw = () => {
      const rows = orders[order.value].slice(page * WATERFALL_ROWS, (page + 1) * WATERFALL_ROWS);
      const parts = rows.flatMap((row, place) => phases(data, row).map((part) => ({ ...part, place: String(place) })));
      const label = () => `Bars: what each of ${rows.length} URLs waited for, and when.`;
      show("waterfall", label, (width) => {
        const room = Math.min(Math.max(width * 0.38, 110), 360);
        const letters = Math.floor((room - 12) / 6.4);
        const first = Math.min(...rows.map((row) => columns.start[row])) / TENTHS;
        return plot({
          width, height: rows.length * 20 + 32, marginLeft: room, marginRight: 12, marginTop: 24, marginBottom: 4,
          x: { label: null, domain: [first, Math.max(...parts.map((part) => part.to), first + 0.001)] },
          y: { label: null, domain: rows.map((_, place) => String(place)), padding: 0.3 },
          marks: [
            gridX({ ticks: width < 500 ? 3 : 6, strokeOpacity: 0.12 }),
            axisX({ anchor: "top", ticks: width < 500 ? 3 : 6, tickSize: 0, label: null, tickFormat: (seconds) => `${Number(seconds.toPrecision(6))} s` }),
            axisY({ tickSize: 0, label: null, tickFormat: (place) => short(named(columns.url[rows[Number(place)]], letters), letters) }),
            barX(parts, { x1: "from", x2: "to", y: "place", fill: (part) => colour(part.phase), title: "title" }),
          ],
        });
      });
    };
    order.addEventListener("change", () => { page = 0; pager.refresh(); draw(); });
    const pager = paged(byId("waterfall-pager"), "URLs", WATERFALL_ROWS, () => timed.length, () => page, (next) => { page = next; draw(); });
    pager.refresh();
    draw();
  }

  // The end of an address tells more than its beginning, where not all of it has room.
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
      if (part && (index || !failed)) about.push(`${index ? PHASES[index] : "waiting, redirects, earlier attempts"} ${time(part)}`);
      const from = at / TENTHS;
      at += part;
      return { phase: failed && !index ? "failed" : PHASES[index], from, to: at / TENTHS };
    });
    if (failed) about.push(`failed: ${columns.said[row] ?? ""}`);
    const title = about.join("\n");
    return parts.filter((part) => part.to > part.from).map((part) => ({ ...part, title }));
  }

  function paged(place, noun, each, total, current, go) {
    const told = document.createElement("span");
    const [back, on] = ["Previous", "Next"].map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-label", `${text} ${each} ${noun}`);
      return button;
    });
    place.replaceChildren(back, on, told);
    const refresh = () => {
      const first = current() * each;
      back.disabled = first === 0;
      on.disabled = first + each >= total();
      told.textContent = total() ? `${integers.format(first + 1)}–${integers.format(Math.min(first + each, total()))} of ${integers.format(total())}` : "";
    };
    const move = (by) => () => { go(current() + by); refresh(); };
    back.addEventListener("click", move(-1));
    on.addEventListener("click", move(1));
    return { refresh };
  }

  // --- the table ------------------------------------------------------------------------------
  function table({ kinds, results, columns }) {
    const body = byId("table").tBodies[0];
    const heads = [...byId("table").tHead.rows[0].cells];
    const [search, kind, result] = ["search", "filter-kind", "filter-result"].map(byId);
    const largest = columns.decoded.reduce((most, bytes) => Math.max(most, bytes ?? 0), 1);
    const everything = columns.url.map((_, index) => index);
    let [sort, descending, page, chosen, haystack] = ["decoded", true, 0, everything, null];

    options(kind, kinds, columns.kind);
    options(result, results, columns.result);
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const by = head.dataset.sort;
        descending = by === sort ? !descending : head.classList.contains("n");
        sort = by;
        choose();
      });
    }
    let soon = 0;
    search.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(choose, 120); });
    kind.addEventListener("change", () => choose());
    result.addEventListener("change", () => choose());
    const pager = paged(byId("pager"), "rows", PAGE_ROWS, () => chosen.length, () => page, (next) => {
      page = next;
      fill();
      byId("urls").scrollIntoView();
    });
    choose();

    function choose() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length && !haystack) {
        haystack = columns.url.map((url, index) => `${url} ${columns.said[index] ?? ""} ${columns.status[index] ?? ""}`.toLowerCase());
      }
      chosen = everything.filter((index) =>
        (kind.value === "" || columns.kind[index] === Number(kind.value)) &&
        (result.value === "" || columns.result[index] === Number(result.value)) &&
        words.every((word) => haystack[index].includes(word)));
      const column = columns[sort];
      const sign = descending ? -1 : 1;
      chosen.sort((a, b) => {
        const [x, y] = [column[a], column[b]];
        if (x === y) return a - b;
        if (x === null || y === null) return x === null ? 1 : -1; // what is not known comes last
        return x < y ? -sign : sign;
      });
      for (const head of heads) {
        if (head.dataset.sort === sort) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      }
      page = 0;
      pager.refresh();
      byId("told").textContent = chosen.length === everything.length ? count(chosen.length, "URL") : `${integers.format(chosen.length)} of ${count(everything.length, "URL")}`;
      fill();
    }

    function fill() {
      body.replaceChildren(...chosen.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS).map(row));
    }

    function row(index) {
      const line = document.createElement("tr");
      line.append(address(index));
      line.append(cell("opt", kinds[columns.kind[index]]));
      const outcome = cell(results[columns.result[index]] === "failed" ? "failed" : "", results[columns.result[index]]);
      if (columns.said[index]) outcome.title = columns.said[index];
      line.append(outcome);
      const bytes = columns.decoded[index];
      const sized = cell("n sized", bytes === null ? "" : size(bytes));
      if (bytes !== null) {
        const bar = document.createElement("span");
        bar.className = "bar";
        bar.style.width = `${(bytes / largest) * 100}%`;
        sized.append(bar);
      }
      line.append(sized);
      line.append(cell("n opt", columns.wire[index] === null ? "" : size(columns.wire[index])));
      line.append(cell("n opt", columns.characters[index] === null ? "" : integers.format(columns.characters[index])));
      line.append(cell("n opt", columns.total[index] === null ? "" : time(columns.total[index])));
      return line;
    }

    function address(index) {
      const place = cell("url", "");
      const shown = columns.url[index];
      const main = document.createElement(columns.link[index] ? "a" : "span");
      main.textContent = shown;
      if (columns.link[index]) main.href = columns.link[index];
      place.append(main);
      if (/^https?:\/\//.test(columns.url[index])) {
        const out = document.createElement("a");
        out.className = "out";
        out.href = columns.url[index];
        out.rel = "noreferrer noopener";
        out.textContent = "↗";
        out.setAttribute("aria-label", `${shown} on the web`);
        place.append("\u00a0", out);
      }
      return place;
    }

    function cell(name, text) {
      const made = document.createElement("td");
      if (name) made.className = name;
      made.textContent = text;
      return made;
    }

    function options(select, names, column) {
      const there = new Set(column);
      names.forEach((name, index) => {
        if (there.has(index)) select.append(new Option(name, String(index)));
      });
    }
  }

  // --------------------------------------------------------------------------------------------
  if (charts.kinds.length) {
    weightBars("kinds", "type");
    weightBars("hosts", "host");
    distribution();
  }
  const ready = () => { document.documentElement.dataset.ready = ""; };
  if (!byId("table")) ready();
  else unpacked().then((data) => {
    for (const hidden of document.querySelectorAll(".script")) hidden.hidden = false;
    table(data);
    if (flight(data.columns)) waterfall(data);
    else byId("time").hidden = true;
    ready();
  });
})();
