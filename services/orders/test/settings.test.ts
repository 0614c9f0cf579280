import { expect, test } from "vitest";
import { ordersSettings } from "../src/settings.ts";

const ENVIRONMENT = {
  DATABASE_URL: "postgresql://app@db.internal:6432/shop%20one?sslmode=verify-full",
};

test("fills in the defaults and freezes the result", () => {
  const settings = ordersSettings({ ...ENVIRONMENT, PORT: "20080", SITE: "", UNRELATED: "x" });

  expect(settings).toMatchObject({
    PORT: 20_080,
    SITE: "local",
    BARRIER_STANDBY: "cloudphoenix%",
    BARRIER_TIMEOUT_MS: 5_000,
    DATABASE_URL: { host: "db.internal", port: 6432, user: "app", database: "shop one" },
  });
  expect(Object.isFrozen(settings)).toBe(true);
});

test("tells every problem at once, each with its variable", () => {
  const wrong = { PORT: "99999", LOG_LEVEL: "loud", BARRIER_TIMEOUT_MS: "5s" };
  const read = (): unknown => ordersSettings(wrong);

  for (const name of ["PORT", "LOG_LEVEL", "BARRIER_TIMEOUT_MS", "DATABASE_URL"]) {
    expect(read).toThrow(new RegExp(`^${name}: `, "m"));
  }
});

test("a password in the address is refused and not repeated", () => {
  const wrong = { DATABASE_URL: "postgresql://app:hunter2@db/shop" };

  expect(() => ordersSettings(wrong)).toThrow("must not hold a password");
  expect(() => ordersSettings(wrong)).not.toThrow("hunter2");
});
