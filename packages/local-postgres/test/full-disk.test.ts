import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { query, scratchServer } from "./scratch.ts";

/** A file system of its own in memory, which only root may make. */
interface SmallDisk {
  readonly path: string;
  readonly resize: (megabytes: number) => void;
  /** Writes until nothing fits any more; returns the file that takes the space. */
  readonly fill: () => string;
}

/** Mounts a disk of this size until the test ends; null where that is not allowed. */
function smallDisk(megabytes: number): SmallDisk | null {
  const mountPoint = mkdtempSync(join(tmpdir(), "local-postgres-disk-"));
  const options = `size=${megabytes}m,mode=0755`;
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", mountPoint]);
  if (mounted.status !== 0) {
    rmdirSync(mountPoint);
    return null;
  }
  const unmount = (): void => {
    execFileSync("umount", ["-l", mountPoint]);
    rmdirSync(mountPoint);
  };
  onTestFinished(unmount);
  const path = join(mountPoint, "state");
  mkdirSync(path);
  return {
    path,
    resize: (size) => execFileSync("mount", ["-o", `remount,size=${size}m`, mountPoint]),
    fill: () => fillUp(join(mountPoint, "ballast")),
  };
}

function fillUp(path: string): string {
  for (const bytes of [1_048_576, 4096]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: "a" });
    } catch (error) {
      if (!String(error).includes("ENOSPC")) throw error;
    }
  }
  return path;
}

/** Tried, not guessed: root in a container often may not. */
function mayMount(): boolean {
  const mountPoint = mkdtempSync(join(tmpdir(), "local-postgres-disk-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "tmpfs", mountPoint]).status === 0;
  if (isMounted) execFileSync("umount", [mountPoint]);
  rmdirSync(mountPoint);
  return isMounted;
}

describe.skipIf(!mayMount())("a disk that is really full (needs the right to mount one)", () => {
  test("stops the first start with a clear error, and the next start works", async () => {
    const disk = smallDisk(24);
    if (disk === null) throw new Error("the disk could not be mounted");
    const { path: directory } = disk;
    await expect(scratchServer({ directory, settings: {} })).rejects.toMatchObject({
      code: "DISK_FULL",
      retryable: true,
      hint: expect.stringContaining("Free some space"),
    });
    expect(readdirSync(directory)).not.toContain("data");
    disk.resize(200);
    const server = await scratchServer({ directory, settings: {} });
    await expect(query(server.url("postgres"), "select 1 as one")).resolves.toEqual([{ one: 1 }]);
  });

  test("loses nothing that was committed, says so at the start, and goes on with some space", async () => {
    const disk = smallDisk(120);
    if (disk === null) throw new Error("the disk could not be mounted");
    const server = await scratchServer({ directory: disk.path, settings: {} });
    const url = server.url("postgres");
    await query(url, "create table kept (id int primary key, filling text)");
    disk.fill();
    const promised = await insertUntilRefused(url);
    await server.killHard();
    // The locks of the killed server are removed by the next start, which would free a little.
    rmSync(join(server.dataDirectory, "postmaster.pid"), { force: true });
    rmSync(join(disk.path, "run"), { recursive: true });
    const ballast = disk.fill();
    await expect(server.start()).rejects.toMatchObject({ code: "DISK_FULL", retryable: true });
    rmSync(ballast);
    mkdirSync(join(disk.path, "run"), { mode: 0o700 });
    const again = await scratchServer({ directory: disk.path, settings: {} });
    const kept = await query(again.url("postgres"), "select id from kept order by id");
    expect(kept.map(({ id }) => id).slice(0, promised.length)).toEqual(promised);
    await query(again.url("postgres"), "insert into kept values (0, 'after the flood')");
  });
});

/** Rows whose commit was acknowledged before the disk was full. */
async function insertUntilRefused(url: string): Promise<readonly number[]> {
  const promised: number[] = [];
  for (let id = 1; ; id += 1) {
    try {
      // Random text does not compress: every row takes its space.
      await query(
        url,
        `insert into kept select ${id}, string_agg(md5(random()::text), '') from generate_series(1, 8192)`,
      );
      promised.push(id);
    } catch (error) {
      if (/No space left on device|terminat|ECONNRESET|recovery/u.test(String(error))) {
        return promised;
      }
      throw error;
    }
  }
}
