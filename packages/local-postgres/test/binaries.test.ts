import { chmod, cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { locateBinaries } from "../src/index.ts";
import { isRoot, scratchDirectory, scratchServer } from "./scratch.ts";

/** The bundled programs, wherever npm put them. */
async function bundledNative(): Promise<string> {
  const { postgres } = await locateBinaries({
    cacheDirectory: await scratchDirectory(),
    binDirectory: "",
  });
  return dirname(dirname(postgres));
}

/** A copy of the package as it is when install scripts did not run. */
async function packageWithoutLinks(): Promise<string> {
  const native = join(await scratchDirectory(), "package", "native");
  await cp(await bundledNative(), native, { recursive: true, verbatimSymlinks: true });
  const links = await readFile(join(native, "pg-symlinks.json"), "utf8");
  for (const [, target] of links.matchAll(/"target":"native\/([^"]+)"/gu)) {
    await rm(join(native, target ?? ""), { force: true });
  }
  return native;
}

/** A bin directory whose `postgres` is the given shell script. */
async function fakePrograms(script: string): Promise<string> {
  const directory = await scratchDirectory();
  await writeFile(join(directory, "postgres"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return directory;
}

describe("locateBinaries", () => {
  test("finds the bundled programs and says which major version they are", async () => {
    const found = await locateBinaries({
      cacheDirectory: await scratchDirectory(),
      binDirectory: "",
    });
    expect(found.major).toBe(18);
    expect(found.initdb).toMatch(/initdb$/u);
    expect(found.pgCtl).toMatch(/pg_ctl$/u);
  });

  test("runs programs whose library links were never made, and leaves the package as it was", async () => {
    const native = await packageWithoutLinks();
    const before = await readdir(join(native, "lib"));
    await chmod(join(native, "lib"), 0o555);
    const directory = await scratchDirectory();

    const binaries = await locateBinaries({
      cacheDirectory: directory,
      nativeDirectory: native,
      binDirectory: "",
    });
    const server = await scratchServer({ directory, binaries });

    expect(binaries.libraryPath).not.toBeNull();
    expect(server.isAlive()).toBe(true);
    expect(await readdir(join(native, "lib"))).toEqual(before);
  });

  test("prefers the bin directory it is given and takes it as it is", async () => {
    const binDirectory = await fakePrograms("echo 'postgres (PostgreSQL) 17.2'");
    const found = await locateBinaries({ cacheDirectory: await scratchDirectory(), binDirectory });
    expect(found).toEqual({
      initdb: join(binDirectory, "initdb"),
      pgCtl: join(binDirectory, "pg_ctl"),
      postgres: join(binDirectory, "postgres"),
      libraryPath: null,
      major: 17,
    });
  });

  test("says what a program that does not run said, and what to do", async () => {
    const binDirectory = await fakePrograms("echo 'libicui18n.so.60: cannot open' >&2; exit 127");
    const located = locateBinaries({ cacheDirectory: await scratchDirectory(), binDirectory });
    await expect(located).rejects.toMatchObject({
      code: "UNSUPPORTED_PLATFORM",
      message: expect.stringContaining("libicui18n.so.60: cannot open"),
      hint: expect.stringContaining("CLOUDPHOENIX_PG_BIN"),
    });
  });

  test("copies programs that root keeps where the server's user cannot go", async () => {
    const hidden = join(await scratchDirectory(0o700), "package", "native");
    await cp(await bundledNative(), hidden, { recursive: true, verbatimSymlinks: true });
    const directory = await scratchDirectory();
    const options = { cacheDirectory: directory, nativeDirectory: hidden, binDirectory: "" };

    const binaries = await locateBinaries(options);
    const server = await scratchServer({ directory, binaries });

    // Whoever is not root runs them as himself, and where they are.
    expect(binaries.postgres.startsWith(isRoot ? directory : hidden)).toBe(true);
    expect(server.isAlive()).toBe(true);
    expect(await locateBinaries(options)).toEqual(binaries);
  });
});
