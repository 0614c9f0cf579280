import { CloudPhoenixError, type Roles } from "@cloudphoenix/core";
import { MemoryRoleStore, type WriterLease } from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { pino } from "pino";
import { expect, test } from "vitest";
import { establishLease } from "../src/composition/writer-lease-parts.ts";

const ROLES: Roles = { generation: 1, active: "aws", claimedBy: null, protected: true };

/** Establishes with answers that come one after the other; says what was logged. */
async function establishing(
  answers: readonly (boolean | Error)[],
  stop: AbortSignal = new AbortController().signal,
): Promise<{ readonly tries: number; readonly warnings: readonly string[] }> {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
  let tries = 0;
  const establish: WriterLease["establish"] = async () => {
    const answer = answers[tries];
    tries += 1;
    if (answer instanceof Error) throw answer;
    return answer ?? true;
  };
  const work = establishLease(
    { establish },
    { roles: new MemoryRoleStore(ROLES), clock, log },
    stop,
  );
  await clock.advance(60_000);
  await work;
  return { tries, warnings };
}

test("a lease is established at once where everything answers", async () => {
  expect(await establishing([true])).toEqual({ tries: 1, warnings: [] });
});

test("what is in the way is logged once and tried again until it is gone", async () => {
  const down = new CloudPhoenixError("UNREACHABLE", "no database", { retryable: true });
  const seen = await establishing([down, down, false, down, true]);
  expect(seen.tries).toBe(5);
  expect(seen.warnings).toHaveLength(1);
  expect(seen.warnings[0]).toContain("no database");
});

test("a controller that stops tries no more", async () => {
  expect((await establishing([false], AbortSignal.abort())).tries).toBe(0);
});
