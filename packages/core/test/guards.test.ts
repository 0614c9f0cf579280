import { describe, expect, test } from "vitest";
import { judgeRequest } from "../src/index.ts";
import type { Situation } from "../src/index.ts";
import { judge } from "../src/judge.ts";
import { surveyOf } from "../src/survey.ts";
import { activity, asked, policy, replication } from "./asked.ts";
import {
  AUTO_POLICY,
  AWS,
  AZURE,
  type Answers,
  NOW,
  REGION_LOST,
  SIGNALS,
  VANTAGES,
  healsOf,
  observe,
  situation,
} from "./shop.ts";

/** The region is lost, but these signals are healthy. */
function except(...ids: readonly string[]): Partial<Situation> {
  const healthy = Object.fromEntries(ids.map((id) => [id, "healthy" as const]));
  return { observations: observe({ ...REGION_LOST, ...healthy }, NOW) };
}

function all(status: "unhealthy" | "healthy"): Answers {
  return Object.fromEntries(SIGNALS.map((one) => [one.id, status]));
}

test("a lost region passes every guard when the standby is ready", () => {
  const given = situation({ observations: observe(REGION_LOST, NOW) });
  const { guards } = judge(surveyOf(given), { plan: "dr", cause: { kind: "level", level: "dr" } });
  expect(guards.map((one) => one.guard)).toEqual([
    "target-exists",
    "evidence",
    "monitors-sane",
    "mode",
    "maintenance",
    "target-ready",
    "data-fresh",
    "fence-obtainable",
    "schema-parity",
    "freeze-window",
    "cooldown",
    "one-run",
  ]);
  expect(guards.filter((one) => one.outcome !== "pass")).toEqual([]);
});

test("healing asks nothing about standbys, and counts heals", () => {
  const { guards } = judge(surveyOf(situation({ standbys: [] })), {
    plan: "heal",
    cause: { kind: "level", level: "heal" },
  });
  expect(guards.map((one) => one.guard)).toEqual([
    "target-exists",
    "evidence",
    "monitors-sane",
    "mode",
    "maintenance",
    "one-run",
    "heals-left",
  ]);
});

describe("evidence", () => {
  test("wants three failure domains for dr", () => {
    expect(asked("evidence").sentence).toBe(
      "3 failure domains agree (azure, control, internet), DR failover needs 3.",
    );
    const result = asked("evidence", except("aws-uptime"));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("missing: 1 more");
  });

  test("wants one of them in the target's cloud", () => {
    const result = asked("evidence", except("aws-cross"));
    expect(result.sentence).toContain("one in the target's cloud (azure)");
  });

  test("wants one of them outside every site", () => {
    const vantages = VANTAGES.map((one) => ({ ...one, cloud: one.cloud ?? "gcp" }));
    const result = asked("evidence", { vantages });
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("one outside every site");
  });

  test("is content with one failure domain for a heal", () => {
    expect(asked("evidence", except("aws-uptime", "aws-cross"), "heal").outcome).toBe("pass");
  });
});

describe("cooldown", () => {
  test("blocks until the hour is over and tells how long that is", () => {
    const early = asked("cooldown", activity({ lastMoveEndedAtMs: NOW - 3_000_000 }));
    expect(early.outcome).toBe("block");
    expect(early.sentence).toContain("cooldown 60 min: 10.0 min left");
    const late = asked("cooldown", activity({ lastMoveEndedAtMs: NOW - 3_600_000 }));
    expect(late.outcome).toBe("pass");
  });
});

describe("freeze-window", () => {
  const freezes = [{ fromMs: NOW, untilMs: NOW + 60_000, reason: "black friday" }];

  test("blocks from its first to before its last instant", () => {
    expect(asked("freeze-window", policy({ freezes })).sentence).toBe(
      "Moves are frozen for another 60.0 s (black friday).",
    );
    const over = [{ ...freezes[0]!, untilMs: NOW, fromMs: NOW - 1 }];
    expect(asked("freeze-window", policy({ freezes: over })).outcome).toBe("pass");
  });

  test("makes a person's request wait for another person", () => {
    const request = { kind: "switchover", acceptLoss: false } as const;
    expect(judgeRequest(situation(policy({ freezes })), request)).toMatchObject({
      approvers: 1,
      another: true,
      blocked: [],
    });
    expect(judgeRequest(situation(), request)).toMatchObject({ approvers: 0, another: false });
  });
});

describe("one-run", () => {
  test.each([
    ["heal", "dr", "pass"],
    ["heal", "heal", "block"],
    ["dr", "dr", "block"],
    ["switchover", "heal", "block"],
  ] as const)("a running %s and a wanted %s: %s", (kind, level, outcome) => {
    const running = { id: "r-1", kind, to: kind === "heal" ? AWS : AZURE };
    expect(asked("one-run", activity({ running }), level).outcome).toBe(outcome);
  });

  test.each([
    ["dr", "pass"],
    // The former writer may just be becoming the standby.
    ["heal", "block"],
  ] as const)(
    "what is left of a move that has opened writes and a wanted %s: %s",
    (level, outcome) => {
      const running = { id: "r-1", kind: "switchover", to: AWS, stage: "opened" } as const;
      expect(asked("one-run", activity({ running }), level).outcome).toBe(outcome);
    },
  );

  test("a move that has opened writes holds up the next one until the roles say so, too", () => {
    // The roles still name the site it left: a plan made from them would fence that one.
    const running = { id: "r-1", kind: "dr", to: AZURE, stage: "opened" } as const;
    expect(asked("one-run", activity({ running }), "dr").outcome).toBe("block");
  });
});

describe.each(["preparing", "waiting"] as const)("a switchover that is %s", (stage) => {
  const running = { id: "s-1", kind: "switchover", to: AZURE, stage } as const;
  const seen = (agoMs: number): Partial<Situation> => ({
    ...activity({ running }),
    ...replication({ writtenAtMs: NOW - agoMs }),
  });

  test("makes room for a DR failover once the site it leaves is silent", () => {
    const silent = asked("one-run", seen(AUTO_POLICY.holdMs.dr), "dr");
    expect(silent.outcome).toBe("pass");
    expect(silent.sentence).toBe("Run s-1 (switchover) is under way; DR failover supersedes it.");
  });

  test("makes none while anything of that site answers: it loses nothing, a failover might", () => {
    const alive = asked("one-run", seen(AUTO_POLICY.holdMs.dr - 1), "dr");
    expect(alive.outcome).toBe("block");
    expect(alive.sentence).toMatch(
      /^Run s-1 \(switchover\) is under way, and .*, which it needs, gave a sign of life .* ago/u,
    );
  });
});

describe("a heal of a standby", () => {
  const running = { id: "h-1", kind: "heal", to: AZURE } as const;

  test("makes room for a heal of the active site", () => {
    const result = asked("one-run", activity({ running }), "heal");
    expect(result).toMatchObject({ outcome: "pass" });
    expect(result.sentence).toContain("supersedes");
  });

  test("is asked for by naming it; without a name the active site is meant", () => {
    const heal = { kind: "heal", acceptLoss: false } as const;
    expect(judgeRequest(situation(), heal).target).toBe(AWS);
    expect(judgeRequest(situation(), { ...heal, target: AZURE })).toMatchObject({
      target: AZURE,
      blocked: [],
    });
  });
});

describe("mode", () => {
  test.each([
    ["auto", "pass"],
    ["approve", "approve"],
    ["observe", "block"],
  ] as const)("%s means %s", (mode, outcome) => {
    const modes = { ...AUTO_POLICY.modes, dr: mode };
    expect(asked("mode", policy({ modes })).outcome).toBe(outcome);
  });
});

describe("monitors-sane", () => {
  test("blocks if every answered signal of every site is unhealthy at once", () => {
    const result = asked("monitors-sane", { observations: observe(all("unhealthy"), NOW) });
    expect(result.outcome).toBe("block");
    expect(result.sentence).toContain("All 10 answered signals");
  });

  test("passes as soon as one signal of one site is not", () => {
    const answers = { ...all("unhealthy"), "azure-lb": "healthy" as const };
    expect(asked("monitors-sane", { observations: observe(answers, NOW) }).outcome).toBe("pass");
  });

  test("blocks if every vantage that has canaries is blind", () => {
    const sights = [{ vantage: "control", atMs: NOW, sees: false }];
    expect(asked("monitors-sane", { sights }).outcome).toBe("block");
  });
});

describe("maintenance", () => {
  test("blocks with the person's words", () => {
    const result = asked("maintenance", activity({ maintenance: "upgrade, by ada" }));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("upgrade, by ada");
  });
});

describe("heals-left", () => {
  test("counts only heals inside the window", () => {
    const old = NOW - 600_000;
    const left = asked("heals-left", { activity: healsOf(AWS, old, NOW - 1, NOW - 2) }, "heal");
    expect(left).toMatchObject({ outcome: "pass", sentence: "2 of 3 heals used within 10 min." });
    const used = { activity: healsOf(AWS, old + 1, NOW - 1, NOW - 2) };
    expect(asked("heals-left", used, "heal").outcome).toBe("block");
  });

  test("counts those of the site that would be healed", () => {
    const elsewhere = { activity: healsOf(AZURE, NOW - 1, NOW - 2, NOW - 3) };
    expect(asked("heals-left", elsewhere, "heal").outcome).toBe("pass");
  });
});
