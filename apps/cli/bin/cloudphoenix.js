#!/usr/bin/env node
// Starts the command on a Node.js that runs TypeScript sources (24 or newer). An older one hands
// over to the Node.js 24 that npm installed beside us, so `npm ci` under Node.js 20 is enough.
import { spawnSync } from "node:child_process";
import { createRequire, enableCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) {
  // Keeps what TypeScript became: half of the time a short command takes.
  enableCompileCache();
  await import(main);
} else {
  const child = spawnSync(bundledNode(), [main, ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = child.status ?? 70;
}

function bundledNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), "bin", "node");
  } catch {
    console.error(
      `cloudphoenix: needs Node.js ${NODE_MAJOR_MIN} or newer and found ${process.version}; ` +
        `the package ${name} is not installed. Install Node.js ${NODE_MAJOR_MIN} and run it again.`,
    );
    return process.exit(70);
  }
}
