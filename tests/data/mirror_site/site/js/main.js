import { colour } from "./lib.js";
export * from './lib.js';
const { dynamic } = await import("./dynamic.js");
document.getElementById('dynamic').style.background = dynamic ?? colour;
for (const image of document.querySelectorAll('img.lazy')) {
  image.src = image.dataset.src;
}
