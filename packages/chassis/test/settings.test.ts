// "Configuration from environment and file, validated once."
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  DATABASE_FIELDS,
  integer,
  readSettings,
  SERVICE_FIELDS,
  SettingsError,
} from "../src/index.ts";

const SCHEMA = z.object({
  ...SERVICE_FIELDS,
  ...DATABASE_FIELDS,
  QUEUE_MAX: integer(1, 9).prefault("3"),
});
const URL = { DATABASE_URL: "postgresql://app@db.example:6432/shop?sslmode=verify-full" };

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "settings-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(content: string): Promise<string> {
  const path = join(directory, `${Math.random()}.yaml`);
  await writeFile(path, content);
  return path;
}

function mistakesOf(environment: Record<string, string>, path: string | null = null): string {
  try {
    readSettings(SCHEMA, { environment, file: path });
    return "";
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message;
  }
}

describe("settings", () => {
  test("have defaults, are typed and cannot be changed", () => {
    const settings = readSettings(SCHEMA, { environment: { ...URL, PORT: "" }, file: null });
    expect(settings).toMatchObject({
      PORT: 8080,
      HOST: "127.0.0.1",
      LOG_LEVEL: "info",
      QUEUE_MAX: 3,
      CORS_ORIGINS: [],
      OTEL_TRACES_SAMPLER_ARG: 0.1,
      DATABASE_URL: {
        host: "db.example",
        port: 6432,
        user: "app",
        database: "shop",
        sslMode: "verify-full",
      },
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test("come from the file, and the environment wins", async () => {
    const path = await file("port: 9000\nqueue_max: 5\nlog_level: debug\n");
    const settings = readSettings(SCHEMA, { environment: { ...URL, QUEUE_MAX: "6" }, file: path });
    expect(settings).toMatchObject({ PORT: 9000, QUEUE_MAX: 6, LOG_LEVEL: "debug" });
  });

  test("tell every mistake at once, by name, without the value", () => {
    const mistakes = mistakesOf({
      DATABASE_URL: "postgresql://app:hunter2@db/shop",
      PORT: "eighty",
      QUEUE_MAX: "10",
      LOG_LEVEL: "loud",
      CORS_ORIGINS: "*",
      DATABASE_PASSWORD: "hunter2",
    });
    for (const line of [
      "DATABASE_URL: must not hold a password",
      "PORT: must be a whole number",
      "QUEUE_MAX: must be at most 9",
      "LOG_LEVEL: ",
      "CORS_ORIGINS.0: must be origins",
      "DATABASE_PASSWORD: must start with file:, env:, aws: or azure:",
    ]) {
      expect(mistakes).toContain(line);
    }
    expect(mistakes).not.toMatch(/hunter2|eighty|loud/);
  });

  test("refuse unknown names in the file and suggest the nearest", async () => {
    expect(mistakesOf(URL, await file("prot: 1\nlog_level: [a]\nxyzzy_plugh: 1\n"))).toBe(
      "prot: is not known; did you mean port?\nlog_level: must be one value\nxyzzy_plugh: is not known",
    );
  });

  test.each([
    ["- a\n", "must hold names and values"],
    ["a: [", "cannot be read or is not YAML"],
  ])("refuse a file with %j", async (content, mistake) => {
    expect(mistakesOf(URL, await file(content))).toContain(mistake);
  });

  test("refuse a file that is not there, and take an empty one", async () => {
    expect(mistakesOf(URL, join(directory, "none.yaml"))).toContain("cannot be read");
    expect(mistakesOf(URL, await file(""))).toBe("");
    expect(mistakesOf({})).toBe("DATABASE_URL: must be set");
  });
});
