import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfiguration, readSecretFile } from "../src/index.ts";
import { EXAMPLE, exampleWith } from "./example.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cloudphoenix-config-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe("loadConfiguration", () => {
  test("reads a file and resolves names against its folder", async () => {
    const path = await write("good.yaml", EXAMPLE);
    const configuration = await loadConfiguration(path, { environment: {} });
    expect(configuration.file).toBe(path);
    expect(configuration.api.tokenFile).toBe(join(folder, "secrets/api-token"));
  });

  test("throws one error that lists every problem like a compiler", async () => {
    const path = await write(
      "bad.yaml",
      exampleWith("rto: 10s", "rto: soon").replace("cloud: azure", "clowd: azure"),
    );
    await expect(loadConfiguration(path, { environment: {} })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      retryable: false,
      hint: `Correct the 2 problems in ${path}, then run \`cloudphoenix config check\`.`,
      message: [
        `${path}:4:22: error: application.objectives.rto: \`soon\` is not a duration`,
        "    help: write a number with a unit (ms, s, m, h, d), for instance `5s`",
        `${path}:19:5: error: sites[1].clowd: is not a known key`,
        "    help: did you mean `cloud`?",
      ].join("\n"),
    });
  });

  test("says which file cannot be read", async () => {
    const path = join(folder, "none.yaml");
    const refusal: unknown = await loadConfiguration(path, { environment: {} }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toMatchObject({ code: "CONFIG_UNREADABLE" });
    expect(String(refusal)).toContain(path);
  });
});

describe("readSecretFile", () => {
  test("trims the secret", async () => {
    expect(await readSecretFile(await write("secret", "  s3cret\n"))).toBe("s3cret");
  });

  test.each([0o640, 0o604, 0o620, 0o666])("refuses a file others may use (%o)", async (mode) => {
    const path = await write(`open-${mode}`, "s3cret", mode);
    const refusal: unknown = await readSecretFile(path).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "CONFIG_INVALID", hint: `Run \`chmod 600 ${path}\`.` });
    expect(String(refusal)).not.toContain("s3cret");
  });

  test("refuses an empty file", async () => {
    const path = await write("empty", " \n");
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("refuses a file that cannot be a secret", async () => {
    const path = await write("large", "x".repeat(65_537));
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("says which file is missing", async () => {
    const path = join(folder, "none");
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
  });
});
