import { describe, expect, test } from "vitest";
import { judgeRequest } from "../src/index.ts";
import { activity, policy, replication, standby } from "./asked.ts";
import { ALL_HEALTHY, AWS, AZURE, NOW, observe, situation } from "./shop.ts";

describe("a person's request", () => {
  const calm = situation();

  test("needs no evidence, no level, no cooldown, and ignores mode and maintenance", () => {
    const given = situation({
      ...policy({ modes: { heal: "observe", region: "observe", dr: "observe" } }),
      ...activity({ maintenance: "upgrade", lastMoveEndedAtMs: NOW - 1 }),
    });
    expect(judgeRequest(given, { kind: "dr", acceptLoss: false })).toMatchObject({
      target: AZURE,
      approvers: 0,
      blocked: [],
    });
  });

  test("an unknown loss needs acceptance and then as many people as the policy wants", () => {
    const given = situation({
      ...replication({ writtenAtMs: null }),
      ...policy({ approversForRisk: 2 }),
      observations: observe(
        Object.fromEntries(Object.keys(ALL_HEALTHY).map((id) => [id, "unknown"])),
        NOW,
      ),
    });
    const request = { kind: "dr", acceptLoss: true } as const;
    const result = judgeRequest(given, request);
    expect(result.guards.find((one) => one.guard === "data-fresh")?.outcome).toBe("approve");
    expect(result.approvers).toBe(2);
  });

  describe("to a target whose schema differs", () => {
    const differences = ["table orders2 is not replicated", "index a is missing", "c", "d"];
    const given = situation({
      ...standby({ schemaDifferences: differences }),
      ...policy({ approversForRisk: 2 }),
    });

    test("is blocked until the loss is accepted, and says so", () => {
      const { blocked } = judgeRequest(given, { kind: "dr", acceptLoss: false });
      expect(blocked.map(({ guard }) => guard)).toEqual(["schema-parity"]);
      expect(blocked[0]?.sentence).toContain("ask again with --accept-loss");
    });

    test("asks as many people as the policy wants, and tells them every difference", () => {
      const { blocked, approvers, reservations } = judgeRequest(given, {
        kind: "dr",
        acceptLoss: true,
      });
      expect([blocked, approvers]).toEqual([[], 2]);
      expect(reservations).toEqual([
        `The schema of ${AZURE} has 4 differences, accepted by request (2 people must agree): table orders2 is not replicated; index a is missing; c; d.`,
      ]);
    });

    test("is never a planned move, whatever is accepted", () => {
      const { blocked } = judgeRequest(given, { kind: "switchover", acceptLoss: true });
      expect(blocked.map(({ guard }) => guard)).toEqual(["schema-parity"]);
    });
  });

  test("a switchover waits for replication, so a lag does not matter", () => {
    const given = situation(replication({ appliedAtMs: NOW - 20_000 }));
    expect(judgeRequest(given, { kind: "switchover", acceptLoss: false })).toMatchObject({
      target: AZURE,
      approvers: 0,
      blocked: [],
    });
  });

  test.each([
    ["region", undefined],
    ["dr", AWS],
    ["region", AZURE],
    ["rollback", AZURE],
    ["heal", "elsewhere"],
    ["switchover", "elsewhere"],
  ] as const)("%s to %s has no target", (kind, target) => {
    const result = judgeRequest(calm, { kind, target, acceptLoss: false });
    expect(result.target).toBeNull();
    expect(result.blocked.map((one) => one.guard)).toEqual(["target-exists"]);
  });

  test.each([
    ["heal", AWS],
    ["rollback", AWS],
    ["dr", AZURE],
    ["switchover", AZURE],
  ] as const)("%s goes to %s", (kind, target) => {
    expect(judgeRequest(calm, { kind, acceptLoss: false }).target).toBe(target);
  });

  test("waits for the run under way", () => {
    const given = situation(activity({ running: { id: "r-1", kind: "dr", to: AZURE } }));
    const { blocked } = judgeRequest(given, { kind: "switchover", acceptLoss: false });
    expect(blocked.map((one) => one.guard)).toEqual(["one-run"]);
  });
});
