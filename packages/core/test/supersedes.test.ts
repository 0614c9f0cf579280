// Which plans make room for others, before any guard looks at the world.
import { describe, expect, test } from "vitest";
import type { PlanKind, RunStage } from "../src/index.ts";
import { supersedes } from "../src/index.ts";

const AWAY = "aws-us-west-2";
const HOME = "aws-us-east-1";
const AZURE = "azure-westeurope";

function gives(
  running: { readonly kind: PlanKind; readonly to: string; readonly stage?: RunStage },
  next: { readonly kind: PlanKind; readonly to: string; readonly asksNobody?: boolean },
): boolean {
  return supersedes({ asksNobody: false, ...next }, running, HOME);
}

describe.each(["switchover", "failback"] as const)("a %s that has not promoted", (kind) => {
  test.each(["preparing", "waiting"] as const)("and is %s gives way to a failover", (stage) => {
    const running = { kind, to: AZURE, stage };
    expect(gives(running, { kind: "dr", to: AZURE })).toBe(true);
    expect(gives(running, { kind: "region", to: AWAY })).toBe(true);
  });

  test.each(["heal", "switchover", "failback", "rollback", "rejoin"] as const)(
    "does not give way to a %s",
    (other) => {
      const running = { kind, to: AZURE, stage: "waiting" } as const;
      expect(gives(running, { kind: other, to: other === "heal" ? HOME : AZURE })).toBe(false);
    },
  );

  test("gives way to nothing while its steps go on after the fence, or where nobody knows", () => {
    expect(gives({ kind, to: AZURE, stage: "under-way" }, { kind: "dr", to: AZURE })).toBe(false);
    expect(gives({ kind, to: AZURE }, { kind: "dr", to: AZURE })).toBe(false);
  });
});

describe("a failover", () => {
  const region = { kind: "region", to: AWAY, stage: "preparing" } as const;
  const dr = { kind: "dr", to: AZURE, stage: "preparing" } as const;

  test("that has not begun gives way to a graver one, and to no other: two could change places for ever", () => {
    expect(gives(region, dr)).toBe(true);
    expect(gives(dr, region)).toBe(false);
    expect(gives(dr, { ...dr, to: "gcp-europe-west1" })).toBe(false);
    expect(gives(region, { ...region, to: "aws-eu-west-1" })).toBe(false);
  });

  test("that has begun to fence gives way to nothing: its site looks worse than it was", () => {
    expect(gives({ ...region, stage: "under-way" }, dr)).toBe(false);
  });
});

describe("a failover that asks people", () => {
  const running = { kind: "dr", to: AZURE, stage: "asking" } as const;

  test("gives way to the same one once nobody has to be asked", () => {
    expect(gives(running, { kind: "dr", to: AZURE, asksNobody: true })).toBe(true);
    expect(gives(running, { kind: "dr", to: AZURE })).toBe(false);
  });

  test("does not begin anew for a lesser one, nor after it was approved", () => {
    expect(gives(running, { kind: "region", to: AWAY, asksNobody: true })).toBe(false);
    const begun = { ...running, stage: "preparing" } as const;
    expect(gives(begun, { kind: "dr", to: AZURE, asksNobody: true })).toBe(false);
  });
});

test("a rollback gives way to nothing", () => {
  const running = { kind: "rollback", to: HOME, stage: "waiting" } as const;
  expect(gives(running, { kind: "dr", to: AZURE })).toBe(false);
});
