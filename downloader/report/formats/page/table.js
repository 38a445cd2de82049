// The table of URLs: sorted, searched, and shown page by page.
"use strict";

const PAGE_ROWS = 100;

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
  search.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(choose, 120);
  });
  kind.addEventListener("change", () => choose());
  result.addEventListener("change", () => choose());
  const pager = paged(
    byId("pager"),
    "rows",
    PAGE_ROWS,
    () => chosen.length,
    () => page,
    (next) => {
      page = next;
      fill();
      byId("urls").scrollIntoView();
    },
  );
  choose();

  function choose() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !haystack) {
      haystack = columns.url.map((url, index) =>
        `${url} ${columns.message[index] ?? ""} ${columns.status[index] ?? ""}`.toLowerCase(),
      );
    }
    chosen = everything.filter(
      (index) =>
        (kind.value === "" || columns.kind[index] === Number(kind.value)) &&
        (result.value === "" || columns.result[index] === Number(result.value)) &&
        words.every((word) => haystack[index].includes(word)),
    );
    const column = columns[sort];
    const sign = descending ? -1 : 1;
    chosen.sort((a, b) => {
      const [x, y] = [column[a], column[b]];
      if (x === y) return a - b;
      if (x === null || y === null) return x === null ? 1 : -1; // what is not known comes last
      return x < y ? -sign : sign;
    });
    for (const head of heads) {
      if (head.dataset.sort === sort)
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    page = 0;
    pager.refresh();
    byId("row-count").textContent =
      chosen.length === everything.length
        ? count(chosen.length, "URL")
        : `${integers.format(chosen.length)} of ${count(everything.length, "URL")}`;
    fill();
  }

  function fill() {
    body.replaceChildren(...chosen.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS).map(row));
  }

  function row(index) {
    const line = document.createElement("tr");
    line.append(address(index));
    line.append(cell("opt", kinds[columns.kind[index]]));
    const result = results[columns.result[index]];
    const outcome = cell(result === "failed" ? "failed opt" : "opt", result);
    if (columns.message[index]) outcome.title = columns.message[index];
    line.append(outcome);
    const bytes = columns.decoded[index];
    const sized = cell("n sized", bytes === null ? "" : size(bytes));
    if (bytes === null) {
      // A narrow page has no column for the outcome, which is all there is to say here.
      const instead = document.createElement("span");
      instead.className = result === "failed" ? "narrow failed" : "narrow";
      instead.textContent = result;
      sized.append(instead);
    } else {
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.style.width = `${(bytes / largest) * 100}%`;
      sized.append(bar);
    }
    line.append(sized);
    line.append(cell("n opt", columns.wire[index] === null ? "" : size(columns.wire[index])));
    line.append(
      cell(
        "n opt",
        columns.characters[index] === null ? "" : integers.format(columns.characters[index]),
      ),
    );
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
