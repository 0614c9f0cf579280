import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLog } from "../src/index.ts";

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "cp-log-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function linesOf(file: string): readonly unknown[] {
  const text = readFileSync(file, "utf8").trimEnd();
  return text.split("\n").map((line): unknown => JSON.parse(line));
}

test("writes one line of JSON per event, with who speaks on each, to a file of its owner and group", () => {
  const file = join(folder(), "deep", "agent.log");
  const log = openLog({ level: "info", file, base: { service: "agent", vantage: "internet" } });

  log.info({ port: 8081 }, "watching");
  log.debug("nobody asked for this");

  expect(linesOf(file)).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/u),
      service: "agent",
      vantage: "internet",
      port: 8081,
      msg: "watching",
    },
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o640 & ~process.umask());
});

test("goes on behind what the file holds", () => {
  const file = join(folder(), "a.log");
  for (const msg of ["first", "second"]) {
    openLog({ level: "info", file, base: { service: "worker" } }).info(msg);
  }
  expect(linesOf(file)).toMatchObject([{ msg: "first" }, { msg: "second" }]);
});

test.each(["authorization", "password", "token", "secret", "key", "url"])(
  "never writes what stands under %s",
  (name) => {
    const file = join(folder(), "a.log");
    const log = openLog({ level: "info", file, base: { service: "worker" } });

    log.info({ [name]: "hunter2", inside: { [name]: "hunter2" } }, "line");

    expect(readFileSync(file, "utf8")).not.toContain("hunter2");
    expect(linesOf(file)).toMatchObject([{ [name]: "(secret)" }]);
  },
);

test("says of an error what it was, its code and its cause", () => {
  const file = join(folder(), "a.log");
  const log = openLog({ level: "info", file, base: { service: "worker" } });
  const error = Object.assign(new Error("broken", { cause: new Error("worn out") }), {
    code: "EPIPE",
  });

  log.error({ err: error }, "line");

  expect(linesOf(file)).toMatchObject([
    { err: { name: "Error", code: "EPIPE", message: "broken", cause: "worn out" } },
  ]);
});

test("a file that cannot be written is one clear error", () => {
  const directory = folder();
  const taken = join(directory, "taken");
  openLog({ level: "info", file: taken, base: { service: "worker" } }).info("a file, no folder");
  chmodSync(taken, 0o600);

  expect(() =>
    openLog({ level: "info", file: join(taken, "a.log"), base: { service: "worker" } }),
  ).toThrow(/^cannot write log file .*taken/u);
});
