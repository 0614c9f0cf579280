import { CloudPhoenixError } from "@cloudphoenix/core";
import type { StoreFinding } from "@cloudphoenix/objects";
import { VirtualClock } from "@cloudphoenix/testkit";
import { beforeEach, expect, test } from "vitest";
import { Preflight } from "../src/follower/preflight.ts";

const NEVER = new AbortController().signal;
const FOLDERS: StoreFinding = {
  severity: "refuse",
  message: "it has folders",
  hint: "Take another.",
};
const NO_VERSIONS: StoreFinding = {
  severity: "warn",
  message: "versioning is off",
  hint: "Turn it on.",
};
let clock: VirtualClock;
let said: string[];
let looks: number;
let findings: readonly StoreFinding[];
let preflight: Preflight;

beforeEach(() => {
  clock = new VirtualClock();
  said = [];
  looks = 0;
  findings = [];
  preflight = new Preflight({
    clock,
    log: { warn: (fields: unknown) => void said.push(JSON.stringify(fields)) },
  });
});

const there = {
  address: "s3://there",
  inspect: async (): Promise<readonly StoreFinding[]> => {
    looks += 1;
    return findings;
  },
};
const denied = async (): Promise<readonly StoreFinding[]> => {
  throw new CloudPhoenixError("OBJECT_STORE_DENIED", "no such right", { retryable: false });
};
const here = { address: "azblob://here", inspect: async () => [] };

test("a store that cannot work is refused with every reason and what to do", async () => {
  findings = [FOLDERS, NO_VERSIONS];
  await expect(preflight.check([here, there], NEVER)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("it has folders. Take another."),
  });
});

test("it is looked at again after a while, and objects flow once it is mended", async () => {
  findings = [FOLDERS];
  for (let n = 0; n < 5; n += 1) {
    await expect(preflight.check([there], NEVER)).rejects.toThrow(/folders/u);
    await clock.advance(1_000);
  }
  expect(looks).toBe(1);
  findings = [];
  await clock.advance(30_000);
  await preflight.check([there], NEVER);
  expect(looks).toBe(2);
});

test("what is only dangerous is said once", async () => {
  findings = [NO_VERSIONS];
  await preflight.check([there, here], NEVER);
  await preflight.check([there, here], NEVER);
  expect(said).toEqual([expect.stringContaining("versioning is off")]);
});

test("a store that cannot be looked at holds nothing back: copying will say what is wrong", async () => {
  await preflight.check([{ address: "s3://there", inspect: denied }], NEVER);
  expect(said).toEqual([expect.stringContaining("no such right")]);
});
