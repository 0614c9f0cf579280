// Copies mounted secrets to a folder in memory as files that only this user can read, and again
// whenever they change. A Secret volume cannot do that: its files belong to root, so an unprivileged
// pod needs group access, and controller and agent refuse a secret file that a group can read.
import { access, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const FROM = "/run/secrets/mounted";
const TO = "/run/secrets/cloudphoenix";
const READY = join(TO, ".copied");
const AGAIN_AFTER_MS = 10_000;

if (process.argv.includes("--check")) {
  await access(READY);
} else {
  process.on("SIGTERM", () => process.exit(0));
  await mkdir(TO, { recursive: true });
  for (;;) {
    await copyAll();
    await writeFile(READY, "");
    await delay(AGAIN_AFTER_MS);
  }
}

async function copyAll() {
  // Names that begin with two dots are how Kubernetes swaps the whole volume at once.
  const names = (await readdir(FROM)).filter((name) => !name.startsWith(".."));
  for (const name of names) {
    const content = await readFile(join(FROM, name));
    const known = await readFile(join(TO, name)).catch(() => null);
    if (known?.equals(content)) continue;
    const draft = join(TO, `.${name}.draft`);
    await writeFile(draft, content, { mode: 0o600 });
    await rename(draft, join(TO, name));
  }
}
