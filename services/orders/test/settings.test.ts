import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readSettings } from "../src/settings.ts";

const directory = mkdtempSync(join(tmpdir(), "orders-settings-"));
const passwordFile = join(directory, "password");
writeFileSync(passwordFile, "secret\n");
afterAll(() => rmSync(directory, { recursive: true }));

const ENVIRONMENT = {
  DATABASE_URL: "postgresql://app@db.internal:6432/shop%20one?sslmode=verify-full",
  DATABASE_PASSWORD_FILE: passwordFile,
};

test("fills in the defaults and freezes the result", () => {
  const settings = readSettings({ ...ENVIRONMENT, PORT: "20080", SITE: "", UNRELATED: "x" });

  expect(settings).toMatchObject({
    port: 20_080,
    host: "127.0.0.1",
    site: "local",
    logLevel: "info",
  });
  expect(settings.database).toMatchObject({
    host: "db.internal",
    port: 6432,
    user: "app",
    database: "shop one",
    sslMode: "verify-full",
    poolMax: 10,
  });
  expect(Object.isFrozen(settings) && Object.isFrozen(settings.database)).toBe(true);
});

test("tells every problem at once, each with its variable", () => {
  const wrong = { PORT: "99999", LOG_LEVEL: "loud", SITE: "a b", SHUTDOWN_DELAY_MS: "1s" };
  const read = () => readSettings(wrong);

  expect(read).toThrow(/^DATABASE_URL: must be set$/m);
  expect(read).toThrow(/^PORT: must be at most 65535$/m);
  expect(read).toThrow(/^LOG_LEVEL: /m);
  expect(read).toThrow(/^SITE: must be 1-100 of/m);
  expect(read).toThrow(/^SHUTDOWN_DELAY_MS: must be a whole number$/m);
});

test.each([
  ["postgresql://app:hunter2@host/app", "DATABASE_URL: must not hold a password"],
  ["mysql://app@host/app", "DATABASE_URL: must be a postgresql:// URL"],
  ["postgresql://host/app", "DATABASE_URL: must name a user"],
  ["postgresql://app@host/app?sslmode=prefer", "DATABASE_URL: sslmode must be"],
  ["not a url", "DATABASE_URL: must be a postgresql:// URL"],
])("refuses %s", (url, message) => {
  const read = () => readSettings({ ...ENVIRONMENT, DATABASE_URL: url });

  expect(read).toThrow(message);
  expect(read).not.toThrow(/hunter2/);
});

test("refuses a password file that cannot be read", () => {
  const missing = join(directory, "missing");

  expect(() => readSettings({ ...ENVIRONMENT, DATABASE_PASSWORD_FILE: missing })).toThrow(
    "DATABASE_PASSWORD_FILE: cannot be read",
  );
});
