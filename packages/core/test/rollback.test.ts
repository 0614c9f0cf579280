import { describe, expect, test } from "vitest";
import { judgeRequest, wayBackOf } from "../src/index.ts";
import type { ActiveStanding, GuardName, PastRun, Situation } from "../src/index.ts";
import { policy } from "./asked.ts";
import { AWS, AWS_WEST, AZURE, WIDE_SHOP, situation } from "./shop.ts";

/** A failover that was broken off before writes opened. */
const STUCK: PastRun = {
  id: "dr-1",
  kind: "dr",
  from: AWS,
  to: AZURE,
  status: "stuck",
  touched: true,
  opening: "closed",
};
const WENT_WEST: PastRun = { ...STUCK, id: "region-1", kind: "region", to: AWS_WEST };
const BACK: PastRun = {
  ...STUCK,
  id: "rollback-1",
  kind: "rollback",
  from: AZURE,
  to: AWS,
  status: "completed",
};
const REJOINED: PastRun = {
  ...STUCK,
  id: "rejoin-1",
  kind: "rejoin",
  status: "completed",
  touched: true,
};

const SERVES: ActiveStanding = { serves: true, detail: "writes open", namesLeadTo: AWS };
const FENCED: ActiveStanding = { serves: false, detail: "writes refused", namesLeadTo: AWS };
const AWAY: ActiveStanding = { ...SERVES, namesLeadTo: AZURE };

interface World {
  /** Newest first. */
  readonly runs?: readonly PastRun[];
  readonly complete?: boolean;
  readonly standing?: ActiveStanding;
  readonly change?: Partial<Situation>;
}

function worldOf({ runs, complete = true, standing, change }: World): Situation {
  const calm = situation();
  return {
    ...calm,
    ...(standing === undefined ? {} : { standing }),
    ...change,
    activity: {
      ...calm.activity,
      ...(runs === undefined ? {} : { past: { newestFirst: runs, complete } }),
    },
  };
}

function said(world: World, guard: GuardName = "move-to-undo"): readonly [string, string] {
  const { guards } = judgeRequest(worldOf(world), { kind: "rollback", acceptLoss: false });
  const result = guards.find((one) => one.guard === guard);
  return [result?.outcome ?? "not asked", result?.sentence ?? ""];
}

describe("a rollback", () => {
  test("in calm times is refused, and the sentence says what it would have done", () => {
    const world = { runs: [], standing: SERVES };
    expect(said(world)).toEqual([
      "block",
      `There is nothing to roll back: no move between ${AWS} and ${AZURE} was left half-way, and ${AWS} serves and the names lead to it. It would only stop ${AZURE}, and cost the standby.`,
    ]);
    const { blocked } = judgeRequest(worldOf(world), { kind: "rollback", acceptLoss: false });
    expect(blocked.map(({ guard }) => guard)).toEqual(["move-to-undo"]);
  });

  test.each(["stuck", "failed", "superseded"] as const)(
    "of a move that ended %s needs nobody's approval",
    (status) => {
      const world = { runs: [{ ...STUCK, status }], standing: FENCED };
      expect(said(world)).toEqual([
        "pass",
        `Run dr-1 (DR failover) ended ${status} and left something half-way.`,
      ]);
      expect(judgeRequest(worldOf(world), { kind: "rollback", acceptLoss: false })).toMatchObject({
        approvers: 0,
        blocked: [],
      });
    },
  );

  test("of a rollback that was itself taken back needs nobody's approval: that fenced the active site again", () => {
    const undone = { ...BACK, status: "undone" } as const;
    expect(said({ runs: [undone], standing: FENCED })[0]).toBe("pass");
  });

  test("of a move that was left long ago, but looks mended, asks first", () => {
    const [outcome, sentence] = said({ runs: [STUCK], standing: SERVES });
    expect(outcome).toBe("approve");
    expect(sentence).toContain(`but ${AWS} serves and the names lead to it`);
    expect(sentence).toContain(`no standby then until ${AZURE} is copied anew`);
  });

  test.each([
    ["nothing is known of", { runs: [STUCK] }, "pass"],
    [
      "does not serve, and nothing is recorded of a move",
      { runs: [], standing: FENCED },
      "approve",
    ],
    ["serves while the names lead elsewhere", { runs: [], standing: AWAY }, "approve"],
    [
      "serves while nobody knows where the names lead",
      { runs: [], standing: { ...SERVES, namesLeadTo: null } },
      "approve",
    ],
    ["was not looked at", { runs: [] }, "approve"],
    [
      "serves, but older runs were not read",
      { runs: [], complete: false, standing: SERVES },
      "approve",
    ],
    ["serves, but no run was read", { standing: SERVES }, "approve"],
  ] as const)("is never refused while the active site %s", (_, world, outcome) => {
    expect(said(world)[0]).toBe(outcome);
  });

  test("in doubt asks one person, and the question says what happens to the standby", () => {
    const given = worldOf({ runs: [], standing: FENCED, change: policy({ approversForRisk: 2 }) });
    const { approvers, reservations } = judgeRequest(given, {
      kind: "rollback",
      acceptLoss: false,
    });
    expect(approvers).toBe(1);
    expect(reservations).toEqual([
      `No move between ${AWS} and ${AZURE} was left half-way, but ${AWS} does not serve (writes refused). A rollback fences and stops ${AZURE}: there is no standby then until ${AZURE} is copied anew; 1 person must agree.`,
    ]);
  });

  test.each([
    ["a rollback that was completed", [BACK, STUCK]],
    ["a rejoin of the site it went to", [REJOINED, STUCK]],
    [
      "a move back to the active site",
      [
        { ...STUCK, id: "back", kind: "failback", from: AZURE, to: AWS, status: "completed" },
        STUCK,
      ],
    ],
    [
      "a move back that opened and was superseded later",
      [
        { ...STUCK, id: "back", from: AZURE, to: AWS, status: "superseded", opening: "opened" },
        STUCK,
      ],
    ],
  ] as const)("is refused where %s settled the move since", (_, runs) => {
    expect(said({ runs, standing: SERVES })[0]).toBe("block");
  });

  test.each([
    ["was undone", { ...STUCK, status: "undone" }],
    ["never began", { ...STUCK, status: "failed", touched: false }],
    ["left another site", { ...STUCK, from: AZURE, to: AWS_WEST }],
  ] as const)("is refused where the only move %s", (_, run) => {
    expect(said({ runs: [run], standing: SERVES })[0]).toBe("block");
  });

  test("does not count a rejoin of another site, nor one that was not completed", () => {
    const runs = [
      { ...REJOINED, to: AWS_WEST },
      { ...REJOINED, status: "superseded" } as const,
      STUCK,
    ];
    expect(said({ runs, standing: FENCED })[0]).toBe("pass");
  });

  test("of what settled everything since needs no older runs to be sure", () => {
    expect(said({ runs: [BACK], complete: false, standing: SERVES })[0]).toBe("block");
  });
});

describe("where the other site opened writes", () => {
  test.each([
    ["opened", "opened"],
    ["unknown", "may have opened"],
  ] as const)("(%s) as many people as for a loss must agree to lose them", (opening, words) => {
    const world = {
      runs: [{ ...STUCK, opening }],
      standing: FENCED,
      change: policy({ approversForRisk: 2 }),
    };
    expect(said(world, "never-opened")).toEqual([
      "approve",
      `Run dr-1 ${words} writes at ${AZURE}: what was acknowledged there since will not be at ${AWS}; 2 people must agree.`,
    ]);
    const { approvers } = judgeRequest(worldOf(world), { kind: "rollback", acceptLoss: false });
    expect(approvers).toBe(2);
  });

  test("is said of no move that never opened", () => {
    expect(said({ runs: [STUCK], standing: FENCED }, "never-opened")[0]).toBe("pass");
  });
});

describe("the site a rollback leaves", () => {
  const wide = { application: WIDE_SHOP };

  test.each([
    ["the newest move that was left half-way went to", [WENT_WEST, STUCK], AWS_WEST],
    [
      "the move went to, not the newer one that was settled",
      [{ ...REJOINED, to: AWS_WEST }, WENT_WEST, STUCK],
      AZURE,
    ],
    ["a broken rollback was to stop", [{ ...BACK, status: "stuck" }, WENT_WEST], AZURE],
  ] as const)("among three is the one %s", (_, runs, from) => {
    const world = worldOf({ runs, standing: FENCED, change: wide });
    expect(wayBackOf(world).from).toBe(from);
  });

  test("among three is the one the names lead to, if no run tells", () => {
    const world = worldOf({ runs: [], standing: AWAY, change: wide });
    expect(wayBackOf(world)).toMatchObject({ run: null, from: AZURE });
  });

  test("among three is unknown otherwise, and a person is told which to choose from", () => {
    const world = { runs: [], standing: FENCED, change: wide };
    expect(wayBackOf(worldOf(world)).from).toBeNull();
    expect(said(world)).toEqual([
      "block",
      `No run, and no name, tells which site the move to be undone went to; name it with --from: ${AZURE} or ${AWS_WEST}.`,
    ]);
  });

  test("that a person names is judged by the moves that went there", () => {
    const world = worldOf({ runs: [WENT_WEST, STUCK], standing: FENCED, change: wide });
    expect(wayBackOf(world, AZURE)).toMatchObject({ run: { id: "dr-1" }, from: AZURE });
    const { guards } = judgeRequest(world, { kind: "rollback", from: AZURE, acceptLoss: false });
    expect(guards.find(({ guard }) => guard === "move-to-undo")?.sentence).toContain("dr-1");
  });

  test("among two is the other one", () => {
    expect(wayBackOf(situation())).toEqual({ run: null, complete: false, from: AZURE });
  });
});
