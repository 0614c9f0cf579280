import { describe, expect, test } from "vitest";
import { ControllerProcess } from "./controller-process.ts";
import { openState, query, systemClock, useStateServer } from "./state-server.ts";

const stateServer = useStateServer();

const CLEAN_END = { exitCode: 0, stderr: "" };

/** Address of a state database that controllers can be started on. */
async function stateUrl(): Promise<string> {
  const url = stateServer.freshUrl();
  await (await openState(url)).close();
  return url;
}

/** Runs the scenario, killing the controller each time it began `every` more steps. */
async function campaign(
  url: string,
  scenario: string,
  { kills, every }: { readonly kills: number; readonly every: number },
): Promise<readonly ControllerProcess[]> {
  const lives: ControllerProcess[] = [];
  for (let killed = 0; killed < kills; killed += 1) {
    const controller = new ControllerProcess(url, scenario, "run-1");
    lives.push(controller);
    await controller.until(({ steps }) => steps.length >= every);
    controller.kill("SIGKILL");
    await controller.exited;
  }
  const last = new ControllerProcess(url, scenario, "run-1");
  lives.push(last);
  expect(await last.end()).toEqual(CLEAN_END);
  const resumedMs = lives.slice(1).map((life) => {
    const step = life.said.find((line) => line.said === "step");
    return (step?.atMs ?? Number.NaN) - life.spawnedAtMs;
  });
  process.stdout.write(
    `${scenario}: from process start to first step ${resumedMs.join(", ")} ms\n`,
  );
  return lives;
}

// Several processes start one after the other, each of which compiles what it needs.
const limit = { timeout: 120_000 };

describe("a run whose controller is killed again and again", limit, () => {
  test("goes on, loses no step and repeats only the one in flight", async () => {
    const lives = await campaign(await stateUrl(), "steps", { kills: 3, every: 3 });

    // Each life begins with the step the one before was in, or the next if that was recorded.
    const reached = lives.map(({ steps }) => steps.map((name) => Number(name.split("-")[1])));
    for (const [life, numbers] of reached.entries()) {
      const before = reached[life - 1]?.at(-1) ?? -1;
      expect([before, before + 1]).toContain(numbers[0]);
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    }
    expect(reached.at(-1)?.at(-1)).toBe(11);
    expect(lives.at(-1)?.said.at(-1)).toEqual({ said: "ended" });
  });

  test("goes on in every branch without repeating what a branch has finished", async () => {
    const lives = await campaign(await stateUrl(), "branches", { kills: 2, every: 5 });
    const began = lives.flatMap(({ steps }) => steps);
    for (const name of ["a", "b", "c"].flatMap((id) => [0, 1, 2, 3].map((n) => `${id}-${n}`))) {
      expect(began).toContain(name);
    }
    const inOrder = ["a", "b", "c"].map((id) =>
      lives.map(({ steps }) => steps.filter((name) => name.startsWith(`${id}-`))),
    );
    for (const branch of inOrder) {
      for (const [life, names] of branch.entries()) {
        const earlier = branch.slice(0, life).flat().toSorted().at(-1);
        expect(names).toEqual(names.toSorted());
        expect(earlier === undefined || (names[0] ?? earlier) >= earlier).toBe(true);
      }
    }
    expect(began.filter((name) => name === "before")).toHaveLength(1);
    expect(began.at(-1)).toBe("after");
  });

  test("goes on when its database crashes too", async () => {
    const url = await stateUrl();
    const first = new ControllerProcess(url, "steps", "run-1");
    await first.until(({ steps }) => steps.length >= 3);
    first.kill("SIGKILL");
    await stateServer.server().killHard();
    await stateServer.server().start();

    const second = new ControllerProcess(url, "steps", "run-1");
    expect(await second.end()).toEqual(CLEAN_END);
    expect([first.steps.at(-1), `step-${first.steps.length}`]).toContain(second.steps[0]);
    expect(second.steps.at(-1)).toBe("step-11");
  });
});

describe("a run that waits for approval", limit, () => {
  test("still waits in the next controller and takes an approval that is sent twice once", async () => {
    const url = await stateUrl();
    const first = new ControllerProcess(url, "approval", "run-1");
    await first.until(({ steps }) => steps.includes("ask"));
    await untilWaiting(url);
    first.kill("SIGKILL");
    await first.exited;

    const second = new ControllerProcess(url, "approval", "run-1", "ann");
    expect(await second.end()).toEqual(CLEAN_END);
    expect(second.steps).toEqual(["told approve by ann"]);
  });
});

describe("a leader that is frozen in the middle of a run", limit, () => {
  test("starts no further step once another has taken the run over", async () => {
    const url = await stateUrl();
    const frozen = new ControllerProcess(url, "steps", "run-1");
    await frozen.until(({ steps }) => steps.length >= 3);
    frozen.kill("SIGSTOP");

    const next = new ControllerProcess(url, "steps", "run-1");
    expect(await next.end()).toEqual(CLEAN_END);
    // By now everything has been heard that it had said before it froze.
    const begunBefore = frozen.steps.length;
    frozen.kill("SIGCONT");
    expect(await frozen.exited).toBe(75);

    expect(frozen.steps.length - begunBefore).toBeLessThanOrEqual(1);
    expect(next.said[0]).toEqual({ said: "leading", epoch: 2 });
    expect(next.steps.at(-1)).toBe("step-11");
    expect(new Set([...frozen.steps, ...next.steps]).size).toBe(12);
    const [status] = await query(url, "select status from dbos.workflow_status");
    expect(status).toEqual({ status: "SUCCESS" });
  });
});

/** Resolves once the run has recorded that it waits for a command. */
async function untilWaiting(url: string): Promise<void> {
  const sql = "select 1 from dbos.operation_outputs where function_name = 'DBOS.sleep'";
  while ((await query(url, sql)).length === 0) await systemClock.sleep(50);
}
