// What the other scripts of a report share: numbers as people read them, and pages of lists.
"use strict";

const TENTHS = 10000; // of milliseconds, in a second
const byId = (id) => document.getElementById(id);
const integers = new Intl.NumberFormat("en");
const count = (number, noun) => `${integers.format(number)} ${noun}${number === 1 ? "" : "s"}`;
const colour = (name) => `var(--${name.replace(" ", "-")})`;

function size(bytes) {
  let unit = 0;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}
const round = (bytes) => size(bytes).replace(".0 ", " ");
function time(tenths) {
  const seconds = tenths / TENTHS;
  return seconds < 1
    ? `${integers.format(Math.round(seconds * 1000))} ms`
    : `${seconds.toFixed(2)} s`;
}
function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function paged(place, noun, each, total, current, go) {
  const range = document.createElement("span");
  const [previous, next] = ["Previous", "Next"].map((text) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", `${text} ${each} ${noun}`);
    return button;
  });
  place.replaceChildren(previous, next, range);
  const refresh = () => {
    const first = current() * each;
    previous.disabled = first === 0;
    next.disabled = first + each >= total();
    range.textContent = total()
      ? `${integers.format(first + 1)}–${integers.format(Math.min(first + each, total()))} of ${integers.format(total())}`
      : "";
  };
  const move = (by) => () => {
    go(current() + by);
    refresh();
  };
  previous.addEventListener("click", move(-1));
  next.addEventListener("click", move(1));
  return { refresh };
}
