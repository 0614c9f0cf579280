import { describe, expect, test } from "vitest";
import { decide, explainDecision } from "../src/index.ts";
import type { Situation } from "../src/index.ts";
import {
  ALL_HEALTHY,
  AWS_WEST,
  type Answers,
  NOW,
  REGION_LOST,
  STANDBY,
  WIDE_SHOP,
  decideFor,
  observe,
  signal,
  situation,
} from "./shop.ts";

function explained(
  forMs: number,
  answersAt: (elapsedMs: number) => Answers,
  change: Partial<Situation> = {},
): string {
  const { last, at } = decideFor(forMs, answersAt, change);
  return explainDecision(last, at);
}

/** Replication stands still for 20 s, then the region goes. */
function stalledFirst(elapsedMs: number): Answers {
  return elapsedMs <= 20_000 ? { ...ALL_HEALTHY, "aws-lag": "unhealthy" } : REGION_LOST;
}

test("all is well", () => {
  expect(explained(0, () => ALL_HEALTHY)).toMatchInlineSnapshot(`
    "Verdict none, nothing is done: aws-us-east-1 scores 0, healing starts at 4.

    What was seen of aws-us-east-1 (active, generation 7)
      signal      status   points  from      age    detail
      aws-health  healthy  0 of 5  control   0.0 s  200 in 4 ms
      aws-uptime  healthy  0 of 3  internet  0.0 s  200 in 4 ms
      aws-cross   healthy  0 of 4  azure     0.0 s  200 in 4 ms
      aws-lb      healthy  0 of 3  aws       0.0 s  200 in 4 ms
      aws-nodes   healthy  0 of 4  aws       0.0 s  200 in 4 ms
      aws-lag     healthy  0 of 3  control   0.0 s  200 in 4 ms

    What that adds up to
      score     0 (heal from 4, region from 8, dr from 11)
      coverage  100 % known (at least 50 % needed)
      evidence  0 failure domains; from the other cloud: no; from outside: no
      standby   azure-westeurope scores 0, 100 % known (never pushes towards a move)

    What would change this
      - 4 more points, held for 3 s, would start healing in place."
  `);
});

test("a lost region is about to be moved", () => {
  expect(explained(15_000, () => REGION_LOST)).toMatchInlineSnapshot(`
    "Verdict dr, DR failover to azure-westeurope starts now: aws-us-east-1 scores 12 and has held level dr (from 11) for 15.0 s.

    What was seen of aws-us-east-1 (active, generation 7)
      signal      status     points  from      age    detail
      aws-health  unhealthy  5 of 5  control   0.0 s  looks unhealthy
      aws-uptime  unhealthy  3 of 3  internet  0.0 s  looks unhealthy
      aws-cross   unhealthy  4 of 4  azure     0.0 s  looks unhealthy
      aws-lb      unknown    0 of 3  -         -      aws could not ask: looks unknown
      aws-nodes   unknown    0 of 4  -         -      aws could not ask: looks unknown
      aws-lag     unknown    0 of 3  -         -      control could not ask: looks unknown

    What that adds up to
      score     12 (heal from 4, region from 8, dr from 11)
      coverage  55 % known (at least 50 % needed)
      evidence  3 failure domains (azure, control, internet); from the other cloud: yes; from outside: yes
      standby   azure-westeurope scores 0, 73 % known (never pushes towards a move)

    Guards (✗ blocks, ! needs approval, ✓ passes)
      ✓ target-exists: azure-westeurope is a target for DR failover.
      ✓ evidence: 3 failure domains agree (azure, control, internet), DR failover needs 3.
      ✓ monitors-sane: The sites do not all look bad: 3 of 6 answered signals are unhealthy.
      ✓ mode: Level dr acts by itself (mode auto).
      ✓ maintenance: Automatic action is on.
      ✓ target-ready: azure-westeurope is ready: its entry is healthy, its newest heartbeat is 0.4 s older than the last sign of life of the active site.
      ✓ data-fresh: Loss would be at most 0.4 s, objective 5 s.
      ✓ fence-obtainable: aws-us-east-1 could be fenced to degree network, at least network is wanted.
      ✓ schema-parity: The schema of azure-westeurope has 0 differences.
      ✓ freeze-window: No freeze window is open.
      ✓ cooldown: No move has been made before.
      ✓ one-run: No run is under way.

    What would change this
      - Stop it: cloudphoenix runs names the run, then cloudphoenix run cancel <id> --reason "…".
      - Level dr clears once the score stays below 10 for 5 s."
  `);
});

test("a move is blocked: every reason, and what to do about each", () => {
  const change: Partial<Situation> = {
    standbys: [{ ...STANDBY, fenceObtainable: "unproven", fenceDetail: "no network control" }],
    activity: { ...situation().activity, lastMoveEndedAtMs: NOW - 600_000 },
  };
  expect(explained(60_000, stalledFirst, change)).toMatchInlineSnapshot(`
    "Verdict dr, DR failover is blocked by data-fresh, cooldown: aws-us-east-1 scores 12.

    What was seen of aws-us-east-1 (active, generation 7)
      signal      status     points  from      age    detail
      aws-health  unhealthy  5 of 5  control   0.0 s  looks unhealthy
      aws-uptime  unhealthy  3 of 3  internet  0.0 s  looks unhealthy
      aws-cross   unhealthy  4 of 4  azure     0.0 s  looks unhealthy
      aws-lb      unknown    0 of 3  -         -      aws could not ask: looks unknown
      aws-nodes   unknown    0 of 4  -         -      aws could not ask: looks unknown
      aws-lag     unknown    0 of 3  -         -      control could not ask: looks unknown

    What that adds up to
      score     12 (heal from 4, region from 8, dr from 11)
      coverage  55 % known (at least 50 % needed)
      evidence  3 failure domains (azure, control, internet); from the other cloud: yes; from outside: yes
      standby   azure-westeurope scores 0, 73 % known (never pushes towards a move)

    Guards (✗ blocks, ! needs approval, ✓ passes)
      ✗ data-fresh: Loss would be at most 20.4 s, objective 5 s: replication was behind when aws-us-east-1 was last alive; only a person may accept it.
      ✗ cooldown: The last move ended 11.0 min ago, cooldown 60 min: 49.0 min left.
      ! fence-obtainable: aws-us-east-1 could be fenced to degree unproven, at least network is wanted (no network control); 1 person must accept that it may still write.
      ✓ target-exists: azure-westeurope is a target for DR failover.
      ✓ evidence: 3 failure domains agree (azure, control, internet), DR failover needs 3.
      ✓ monitors-sane: The sites do not all look bad: 3 of 6 answered signals are unhealthy.
      ✓ mode: Level dr acts by itself (mode auto).
      ✓ maintenance: Automatic action is on.
      ✓ target-ready: azure-westeurope is ready: its entry is healthy, its newest heartbeat is 20.4 s older than the last sign of life of the active site.
      ✓ schema-parity: The schema of azure-westeurope has 0 differences.
      ✓ freeze-window: No freeze window is open.
      ✓ one-run: No run is under way.

    What would change this
      - While the active site lives, let replication catch up; otherwise accept the loss by hand: cloudphoenix failover --kind dr --reason "…" --accept-loss.
      - Wait for the cooldown to end, or start by hand: cloudphoenix failover --kind dr --reason "…"."
  `);
});

describe("the way out by hand", () => {
  const activity = situation().activity;
  const nine: Answers = { ...ALL_HEALTHY, "aws-health": "unhealthy", "aws-nodes": "unhealthy" };

  test("is the move that was blocked, not the one that is the default", () => {
    const text = explained(60_000, () => nine, {
      application: WIDE_SHOP,
      standbys: [STANDBY, { ...STANDBY, site: AWS_WEST }],
      activity: { ...activity, lastMoveEndedAtMs: NOW - 600_000 },
    });

    expect(text).toContain("region failover is blocked by cooldown");
    expect(text).toContain('or start by hand: cloudphoenix failover --kind region --reason "…".');
  });

  test("from maintenance is to end it, and for a heal to heal", () => {
    const text = explained(60_000, () => ({ ...ALL_HEALTHY, "aws-health": "unhealthy" }), {
      activity: { ...activity, maintenance: "we patch (ann)" },
    });

    expect(text).toContain('cloudphoenix maintenance off --reason "…"');
    expect(text).toContain('or start by hand: cloudphoenix heal --reason "…".');
  });

  test("from a run under way names that run", () => {
    const text = explained(60_000, () => REGION_LOST, {
      activity: {
        ...activity,
        running: { id: "switchover-7", kind: "switchover", to: "azure-westeurope" },
        maintenance: "we patch (ann)",
      },
    });

    expect(text).toContain('or end it: cloudphoenix run cancel switchover-7 --reason "…".');
  });

  test("never lacks the reason that every order wants", () => {
    for (const text of [
      explained(60_000, () => ({ "aws-health": "unhealthy", "aws-lb": "healthy" })),
      explained(60_000, stalledFirst, {
        activity: { ...activity, lastMoveEndedAtMs: NOW - 600_000, maintenance: "us" },
      }),
    ]) {
      for (const [command] of text.matchAll(/cloudphoenix (failover|heal|run cancel)[^;,.]*/g)) {
        expect(command).toContain('--reason "…"');
      }
    }
  });
});

test("a score that has not held long enough", () => {
  expect(explained(2_000, () => REGION_LOST).split("\n")[0]).toMatchInlineSnapshot(
    `"Verdict none, nothing is done: aws-us-east-1 scores 12 (dr); level heal counts if it holds for another 1.0 s."`,
  );
});

test("the dark names what is silent", () => {
  const text = explained(4_000, () => ({ "aws-health": "unhealthy", "aws-lb": "healthy" }));
  expect(text.split("\n")[0]).toMatchInlineSnapshot(
    `"Verdict unknown, a person must look: 36 % of the score of aws-us-east-1 is known, 50 % is needed to decide; what is known scores 5."`,
  );
  expect(text).toContain("Get answers again from aws-uptime, aws-cross, aws-nodes, aws-lag");
});

test("tells how old each answer is", () => {
  const given = situation({ observations: observe(ALL_HEALTHY, NOW - 1_200) });
  expect(explainDecision(decide(given), given)).toContain("control   1.2 s  200 in 4 ms");
});

test("too little evidence for a move shows the move's blocker beside the heal it falls back to", () => {
  const signals = ["a", "b", "c"].map((id) => signal(id, { kind: "alarm" }));
  const text = explained(60_000, () => ({ a: "unhealthy", b: "unhealthy", c: "unhealthy" }), {
    signals,
  });
  expect(text.split("\n")[0]).toMatchInlineSnapshot(
    `"Verdict dr, healing in place at aws-us-east-1 starts now: aws-us-east-1 scores 15 and has held level dr (from 11) for 60.0 s. Too little evidence for DR failover: 1 failure domain agrees (control), DR failover needs 3; missing: 2 more, one in the target's cloud (azure)."`,
  );
  expect(text).toContain("✗ evidence: 1 failure domain agrees (control), DR failover needs 3;");
  expect(text).toContain(
    "✓ evidence: 1 failure domain agrees (control), healing in place needs 1.",
  );
});

test("a controller that has just begun to watch says that not every probe has answered yet", () => {
  const watchedSince = { site: "aws-us-east-1", atMs: NOW };
  const text = explained(500, () => ({ "aws-health": "unhealthy" }), { watchedSince });
  expect(text).toContain(
    "Verdict unknown, nothing is done: 23 % of the score of aws-us-east-1 is known, 50 % is needed to decide; what is known scores 5. Not every probe has answered yet: this controller began to watch 0.5 s ago, a person is called after 1.5 s.",
  );
});
