// Prints the licence of every package whose code is in the bundle, from what esbuild says it read.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const meta = JSON.parse(readFileSync("node_modules/meta.json", "utf8"));
const folders = new Set();
for (const input of Object.keys(meta.inputs)) {
  const found = input.match(/^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//);
  if (found) folders.add(found[1]);
}
console.log("static/page.js and static/page.css hold code of these packages, each under the licence below it.");
console.log("slack-blocks-to-jsx brings along code of the @yozora packages (MIT, Copyright (c) 2021-present guanghechen).");
for (const folder of [...folders].sort()) {
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  console.log(`\n${"=".repeat(80)}\n${about.name}@${about.version} (${about.license ?? "licence not named"})\n`);
  console.log(file && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8").trim() : "(the package carries no licence file)");
}
