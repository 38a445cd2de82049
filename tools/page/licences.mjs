// Prints name, version and licence of each package that is in the bundle.
import { readFileSync, readdirSync } from "node:fs";

const { inputs } = JSON.parse(readFileSync("meta.json", "utf8"));
const folders = Object.keys(inputs).map(
  (file) => file.match(/^(node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1],
);
for (const folder of [...new Set(folders)].filter(Boolean).sort()) {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  console.log(`${name} ${version}\n\n${readFileSync(`${folder}/${licence}`, "utf8").trim()}\n`);
  console.log("-".repeat(80));
}
