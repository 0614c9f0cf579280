import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apiToken } from "../src/api-token.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cloudphoenix-token-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("the API token", () => {
  test("is made at the first start, readable by its owner only", async () => {
    const path = join(folder, "secrets", "api-token");
    const token = await apiToken(path);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "secrets"))).mode & 0o777).toBe(0o700);
  });

  test("stays the same at the next start", async () => {
    const path = join(folder, "api-token");
    const token = await apiToken(path);
    expect(await apiToken(path)).toBe(token);
    expect((await readFile(path, "utf8")).trim()).toBe(token);
  });

  test("is one and the same for controllers that start at once, and leaves no draft", async () => {
    const path = join(folder, "api-token");
    const tokens = await Promise.all([1, 2, 3].map(() => apiToken(path)));
    expect(new Set(tokens).size).toBe(1);
    expect(await readdir(folder)).toEqual(["api-token"]);
  });

  test("is refused when others can read it", async () => {
    const path = join(folder, "api-token");
    await apiToken(path);
    await chmod(path, 0o644);
    await expect(apiToken(path)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      hint: `Run \`chmod 600 ${path}\`.`,
    });
  });

  test("is refused when it is too short to be one", async () => {
    const path = join(folder, "api-token");
    await writeFile(path, "1234", { mode: 0o600 });
    await expect(apiToken(path)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("says so when it cannot be made", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(apiToken(join(file, "api-token"))).rejects.toMatchObject({
      code: "CONFIG_UNREADABLE",
    });
  });
});
