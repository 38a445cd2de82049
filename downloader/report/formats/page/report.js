// Draws what is known at once, then unpacks the rows.
"use strict";

async function unpacked() {
  const bytes = Uint8Array.from(atob(byId("rows").textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

if (charts.kinds.length) {
  weightBars("kinds", "type");
  weightBars("hosts", "host");
  distribution();
}
const ready = () => {
  document.documentElement.dataset.ready = "";
};
if (!byId("table")) ready();
else
  unpacked().then((data) => {
    for (const hidden of document.querySelectorAll(".script")) hidden.hidden = false;
    table(data);
    if (flight(data.columns)) waterfall(data);
    else byId("time").hidden = true;
    ready();
  });
