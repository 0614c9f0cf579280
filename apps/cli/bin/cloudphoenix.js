#!/usr/bin/env node
// Starts the command on a Node.js that runs TypeScript sources (24 or newer). An older one hands
// over to the Node.js 24 that npm installed beside us, so `npm ci` under Node.js 20 is enough.
import { spawn } from "node:child_process";
import * as modules from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) {
  // Keeps what TypeScript became: half of the time a short command takes.
  modules.enableCompileCache();
  await import(main);
} else {
  const child = spawn(bundledNode(), [main, ...process.argv.slice(2)], { stdio: "inherit" });
  // Ctrl-C reaches the child from the terminal; this one waits for it to end in order.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => (process.exitCode = code ?? 70));
}

function bundledNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const manifest = modules.createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), "bin", "node");
  } catch {
    console.error(
      `cloudphoenix: needs Node.js ${NODE_MAJOR_MIN} or newer and found ${process.version}; ` +
        `the package ${name} is not installed. Install Node.js ${NODE_MAJOR_MIN} and run it again.`,
    );
    return process.exit(70);
  }
}
