/**
 * Carries out what the Dockerfile says for one image, without a container engine: the same files, the
 * same npm command, the same layout; then starts the entry point. Shows what no reading of the file
 * can: that nothing the program needs is missing.
 */
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type ImageFile, inForce, repositoryRoot, type Stage } from "./image-file.ts";

/** How a program of this project answers when it is told nothing, as far as it shows that it runs. */
export interface FirstWords {
  readonly exitCode: number;
  readonly says: string;
}

const INSTALL_LIMIT_MS = 180_000;
const START_LIMIT_MS = 30_000;

/**
 * What is wrong with the image as assembled, in sentences; none if its program starts.
 * @throws {Error} if npm cannot install
 */
export async function tryImage(
  file: ImageFile,
  image: Stage,
  expected: FirstWords,
): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), "cloudphoenix-image-"));
  try {
    await chmod(directory, 0o755);
    const source = join(directory, "source");
    const root = join(directory, "root");
    await assembleSource(file, source);
    await install(file, image, source);
    await assembleRoot(file, image, { source, root });
    return [...(await nativeModules(image, root)), ...(await start(file, image, root, expected))];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The stage every other one begins with. */
async function assembleSource(file: ImageFile, source: string): Promise<void> {
  const stage = file.stages.find(({ name }) => name === "source");
  await mkdir(source, { recursive: true });
  for (const { keyword, words } of stage?.instructions ?? []) {
    if (keyword !== "COPY") continue;
    for (const path of words.slice(0, -1)) {
      const target = words.at(-1) === "./" ? join(source, path) : join(source, words.at(-1) ?? "");
      await cp(join(repositoryRoot, path), target, { recursive: true, filter: isShipped });
    }
  }
}

/** The ignore file's rules, as far as they concern what is copied. */
function isShipped(path: string): boolean {
  return !["node_modules", "test"].includes(basename(path));
}

async function install(file: ImageFile, image: Stage, source: string): Promise<void> {
  const stages = new Set(inForce(file, image, "COPY").map(({ flags }) => flags["from"]));
  const run = file.stages
    .filter(({ name }) => name !== "source" && stages.has(name))
    .flatMap(({ instructions }) => instructions)
    .find(({ keyword }) => keyword === "RUN");
  const words = run?.words.filter((word) => !word.startsWith("--mount=")) ?? [];
  const [command = "", ...args] = words;
  await promisify(execFile)(command, args, { cwd: source, timeout: INSTALL_LIMIT_MS });
}

async function assembleRoot(
  file: ImageFile,
  image: Stage,
  { source, root }: { readonly source: string; readonly root: string },
): Promise<void> {
  for (const { words } of inForce(file, image, "COPY")) {
    const [from = "", to = ""] = words;
    if (!from.startsWith("/app/")) continue;
    const target = join(root, to);
    await mkdir(dirname(target), { recursive: true });
    // Moved, for a stage is of no use to anybody afterwards: copying would take as long as installing.
    // Links to workspaces stay relative, as COPY leaves them.
    await rename(join(source, from.slice("/app/".length)), target);
  }
}

/** Machine code in a module would be the builder's, which need not be the image's. */
async function nativeModules({ name }: Stage, root: string): Promise<readonly string[]> {
  const files = await readdir(root, { recursive: true });
  return files
    .filter((file) => file.endsWith(".node"))
    .map((file) => `${name} holds ${file}, which is not for every processor`);
}

async function start(
  file: ImageFile,
  image: Stage,
  root: string,
  { exitCode, says }: FirstWords,
): Promise<readonly string[]> {
  const [, ...args] = inForce(file, image, "ENTRYPOINT")[0]?.exec ?? [];
  const env = { PATH: "", NODE_ENV: "production" };
  const options = { cwd: root, env, timeout: START_LIMIT_MS };
  const { code, text } = await promisify(execFile)(process.execPath, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  );
  if (code === exitCode && text.includes(says)) return [];
  const words = text.trim().split("\n").slice(0, 8).join("\n  ");
  return [`${image.name} ends with ${code} and says:\n  ${words}`];
}
