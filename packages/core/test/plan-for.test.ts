import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { activeSiteOf, lintPlan, planFor, renderPlan, wavesOf } from "../src/index.ts";
import type { Application, Contribution, PlanStep, SiteScore } from "../src/index.ts";
import { KINDS, planOf, withStep } from "./plans.ts";
import { AWS, AWS_WEST, AZURE, NOW, SHOP, WIDE_SHOP } from "./shop.ts";

describe("order of steps", () => {
  test("dr fences, measures, promotes, scales, verifies, switches, opens, converges, tells", () => {
    expect(wavesOf(planOf("dr"))).toEqual([
      ["fence-site"],
      ["measure-loss"],
      ["promote-database"],
      ["scale-orders", "scale-billing"],
      ["verify-site"],
      ["switch-traffic"],
      ["open-writes"],
      ["verify-convergence"],
      ["notify"],
      ["report"],
    ]);
  });

  test("objects are settled beside the look from outside, after writes have opened", () => {
    const application = { ...WIDE_SHOP, objects: { rpoMs: 60_000 } };
    const waves = (kind: "dr" | "switchover"): readonly (readonly string[])[] =>
      wavesOf(planOf(kind, { application }));
    const beside = ["verify-convergence", "settle-objects"];
    expect(waves("dr")).toContainEqual(beside);
    expect(waves("switchover")).toContainEqual(beside);
    expect(waves("dr").flat().indexOf("open-writes")).toBeLessThan(
      waves("dr").flat().indexOf("settle-objects"),
    );
    expect(
      planOf("dr", { application }).steps.find(({ id }) => id === "settle-objects"),
    ).toMatchObject({
      bestEffort: true,
      requires: [AZURE],
    });
  });

  test("a planned move waits for the objects while the old site still writes, an unplanned one does not", () => {
    const application = { ...WIDE_SHOP, objects: { rpoMs: 60_000 } };
    const order = (kind: "dr" | "switchover" | "failback"): readonly string[] =>
      wavesOf(planOf(kind, { application })).flat();
    for (const kind of ["switchover", "failback"] as const) {
      const ids = order(kind);
      expect(ids.indexOf("drain-objects")).toBe(ids.indexOf("switch-traffic") - 1);
      expect(ids.indexOf("drain-objects")).toBeLessThan(ids.indexOf("fence-site"));
    }
    expect(order("dr")).not.toContain("drain-objects");
  });

  test("a heal of a standby repairs it and looks whether it stands by again", () => {
    const plan = planOf("heal", { target: AZURE });
    expect(plan).toMatchObject({ from: AZURE, to: AZURE, generation: 7, onFailure: "give-up" });
    expect(plan.steps.find(({ id }) => id === "verify-site")?.action).toEqual({
      kind: "verify-site",
      site: AZURE,
      expect: "standing-by",
    });
    expect(planOf("heal").steps.find(({ id }) => id === "verify-site")?.action).toMatchObject({
      site: AWS,
      expect: "serving",
    });
  });

  test("region takes the same steps to the other region", () => {
    expect(wavesOf(planOf("region"))).toEqual(wavesOf(planOf("dr")));
    expect(planOf("region")).toMatchObject({ from: AWS, to: AWS_WEST });
  });

  test("switchover prepares everything before it stops the writers, and drains", () => {
    expect(wavesOf(planOf("switchover")).flat()).toEqual([
      "scale-orders",
      "scale-billing",
      "verify-site",
      "switch-traffic",
      "fence-site",
      "drain-replication",
      "promote-database",
      "open-writes",
      "rejoin-site",
      "standby-orders",
      "standby-billing",
      "verify-standby",
      "verify-convergence",
      "compare-sites",
      "notify",
      "report",
    ]);
  });

  test("failback compares both sites first and takes the steps of a switchover from there", () => {
    expect(wavesOf(planOf("failback"))).toEqual([
      ["compare-before"],
      ...wavesOf(planOf("switchover")),
    ]);
  });

  test("rejoin fences, looks for the decision, repairs, lets in, compares, and spares the writer", () => {
    const plan = planOf("rejoin");
    expect(wavesOf(plan).flat()).toEqual([
      "fence-site",
      "record-salvage",
      "rejoin-site",
      "admit-site",
      "standby-orders",
      "standby-billing",
      "verify-site",
      "compare-sites",
      "notify",
      "report",
    ]);
    expect(plan).toMatchObject({ from: AWS, to: AZURE });
    expect(plan.steps[0]).toMatchObject({
      action: { kind: "fence-site", site: AZURE },
      undo: { kind: "none" },
    });
  });

  test("rollback stops the half-prepared target before the old site writes again", () => {
    const plan = planOf("rollback");
    expect(wavesOf(plan).flat()).toEqual([
      "fence-site",
      "unfence-site",
      "scale-orders",
      "scale-billing",
      "verify-site",
      "switch-traffic",
      "verify-convergence",
      "notify",
      "report",
    ]);
    expect(plan.steps[0]?.action).toEqual({ kind: "fence-site", site: AZURE });
    expect(plan.steps[1]?.action).toEqual({ kind: "unfence-site", site: AWS });
  });

  test.each(KINDS)("%s asks for approval before anything else if people must approve", (kind) => {
    const plan = planOf(kind, { approvers: 2 });
    expect(wavesOf(plan)[0]).toEqual(["approval"]);
    expect(plan.steps[0]?.action).toMatchObject({ kind: "approval", approvers: 2 });
    for (const step of plan.steps.slice(1)) expect(step.needs.length).toBeGreaterThan(0);
  });

  test("the question says what whoever approves accepts to lose and what else speaks against it", () => {
    const acceptedLoss = { writesMs: 11_000, objectsMs: null };
    const reservations = ["The schema differs."];
    const [approval] = planOf("dr", { approvers: 2, acceptedLoss, reservations }).steps;
    expect(approval?.action).toMatchObject({
      question: expect.stringContaining(
        "to azure-westeurope? It may lose up to 11.0 s of writes and an unknown amount of objects. The schema differs. a test",
      ),
      accepts: acceptedLoss,
    });
    expect(planOf("dr", { approvers: 2 }).steps[0]?.action).not.toHaveProperty("accepts");
  });
});

function bad(change: Partial<Contribution>): Contribution {
  return {
    signal: "s",
    kind: "service-health",
    status: "unhealthy",
    points: 5,
    pointsMax: 5,
    vantages: ["control"],
    failureDomains: ["control"],
    detail: "503",
    atMs: NOW,
    ...change,
  };
}

describe("what a heal repairs", () => {
  const lb = bad({ kind: "load-balancer", points: 3, detail: "1 of 2 targets ready" });
  const workloads = ["restart-orders", "restart-billing"];

  test.each<[string, readonly Contribution[], readonly string[]]>([
    ["an unhealthy service with healthy replicas: the database", [bad({})], ["restart-database"]],
    [
      "a health answer that names the database: the database, whatever the replicas say",
      [bad({ status: "degraded", detail: "database: connection refused" }), lb],
      ["restart-database"],
    ],
    [
      "a lapsed writer lease: nothing that serves, for no restart brings the lease back",
      [bad({ detail: "writer-lease unhealthy: lapsed" })],
      workloads,
    ],
    ["an unhealthy service with bad replicas: the workloads", [bad({}), lb], workloads],
    ["a degraded service: the workloads", [bad({ status: "degraded", points: 2 })], workloads],
    ["bad nodes: the workloads", [bad({ kind: "node-groups" })], workloads],
    [
      "a healthy service that mentions its database: the workloads",
      [bad({ status: "healthy", points: 0, detail: "database fine" }), lb],
      workloads,
    ],
  ])("%s", (_, contributions, steps) => {
    const score: SiteScore = { site: AWS, points: 5, coverage: 1, contributions };
    expect(wavesOf(planOf("heal", { score }))[0]).toEqual(steps);
  });

  test("without a score: the workloads, because that leaves ready replicas alone", () => {
    expect(wavesOf(planOf("heal"))[0]).toEqual(workloads);
  });
});

describe("generation", () => {
  test.each([
    ["heal", 7],
    ["region", 8],
    ["dr", 8],
    ["switchover", 8],
    ["rollback", 8],
    ["rejoin", 7],
    ["failback", 8],
  ] as const)("%s made at generation 7 works under %d", (kind, generation) => {
    expect(planOf(kind)).toMatchObject({ generation, parentGeneration: 7 });
  });
});

describe("refusals", () => {
  const roles = { generation: 7, active: AWS, claimedBy: null, protected: true };

  test("a move that would end where it starts is refused", () => {
    expect(() => planOf("dr", { target: AWS })).toThrow("DR failover cannot go from");
  });

  test("a heal of a site the application does not have is refused", () => {
    expect(() => planOf("heal", { target: "elsewhere" })).toThrow("no site elsewhere");
  });

  test("a site that is none of the application's is refused", () => {
    expect(() => planOf("dr", { target: "elsewhere" })).toThrow("has no site elsewhere");
  });

  test("a rollback goes nowhere but back to the active site", () => {
    expect(() => planOf("rollback", { target: AZURE, from: AWS })).toThrow(
      "a rollback goes back to",
    );
  });

  test("a rollback among several sites must say which one it leaves", () => {
    const request = { id: "r", kind: "rollback", roles, target: AWS, nowMs: NOW } as const;
    const rest = { reason: "", approvers: 0 };
    expect(() => planFor({ ...request, ...rest, application: WIDE_SHOP })).toThrow(
      "must say which",
    );
    expect(planFor({ ...request, ...rest, application: SHOP })).toMatchObject({ from: AZURE });
  });
});

test("the caller chooses how long one try of the fence may take, and it is short by default", () => {
  expect(planOf("dr").steps[0]).toMatchObject({ id: "fence-site", timeoutMs: 3_000 });
  expect(planOf("dr", { fenceDeadlineMs: 800 }).steps[0]).toMatchObject({ timeoutMs: 800 });
});

function openingStep(fenceDeadlineMs?: number): PlanStep | undefined {
  return planOf("dr", { fenceDeadlineMs }).steps.find(({ id }) => id === "open-writes");
}

test("opening writes gets the time a fence gets, because it may be the one that waits for a lease", () => {
  expect(openingStep()).toMatchObject({ timeoutMs: 10_000 });
  expect(openingStep(800)).toMatchObject({ timeoutMs: 10_000 });
  expect(openingStep(164_000)).toMatchObject({ timeoutMs: 164_000 });
});

test("only telling people and writing the report are best effort", () => {
  const steps = KINDS.flatMap((kind) => planOf(kind).steps);
  const bestEffort = steps.filter((step) => step.bestEffort).map((step) => step.id);
  expect(new Set(bestEffort)).toEqual(new Set(["notify", "report"]));
});

test("a run that fails half-way waits for a person, a heal gives up", () => {
  expect(KINDS.map((kind) => planOf(kind).onFailure)).toEqual([
    "give-up",
    ...KINDS.slice(1).map(() => "wait"),
  ]);
});

// Goal: no plan of the planner can make two writers or need the dead side, whatever is asked.
// Method: random applications and requests; what the planner refuses is not a plan.
describe("whatever is asked", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 5 });
  const applications = fc
    .record({
      names,
      clouds: fc.array(fc.constantFrom("aws", "azure", "gcp"), { minLength: 5, maxLength: 5 }),
      workloads: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 4 }),
    })
    .map(
      (made): Application => ({
        ...SHOP,
        sites: made.names.map((id, at) => ({ id, cloud: made.clouds[at]!, region: `r${at}` })),
        workloads: made.workloads.map((name, at) => ({ name, replicas: at + 1 })),
      }),
    );
  const plans = fc
    .record({
      application: applications,
      kind: fc.constantFrom(...KINDS),
      approvers: fc.integer({ min: 0, max: 3 }),
      generation: fc.integer({ min: 0, max: 1_000 }),
      other: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ application, kind, approvers, generation, other }) => {
      const active = application.sites[0]!.id;
      const elsewhere = application.sites[1 + ((other - 1) % (application.sites.length - 1))]!.id;
      const back = kind === "heal" || kind === "rollback";
      const plan = planFor({
        id: "run-1",
        kind,
        application,
        roles: { generation, active, claimedBy: null, protected: true },
        target: back ? active : elsewhere,
        from: elsewhere,
        nowMs: NOW,
        reason: "a test",
        approvers,
      });
      return { application, plan };
    });

  test("the linter has nothing to say", () => {
    fc.assert(
      fc.property(plans, ({ application, plan }) => {
        expect(lintPlan(plan, application)).toEqual([]);
      }),
    );
  });

  test("no plan promotes or opens before a wave that fences the site it leaves", () => {
    fc.assert(
      fc.property(plans, ({ plan }) => {
        const actions = wavesOf(plan).flatMap((wave, number) =>
          wave.map((id) => ({ number, ...plan.steps.find((step) => step.id === id)!.action })),
        );
        const fence = actions.find((one) => one.kind === "fence-site" && one.site === plan.from);
        const opening = actions.filter(({ kind }) =>
          ["promote-database", "open-writes", "unfence-site"].includes(kind),
        );
        const early = opening.filter((one) => one.number <= (fence?.number ?? Infinity));
        expect(early).toEqual([]);
      }),
    );
  });

  test("no unplanned move needs the site it leaves", () => {
    fc.assert(
      fc.property(plans, ({ plan }) => {
        fc.pre(plan.kind === "dr" || plan.kind === "region");
        for (const step of plan.steps) expect(step.requires).not.toContain(plan.from);
      }),
    );
  });

  test("every text of a plan is there to be read", () => {
    fc.assert(
      fc.property(plans, ({ plan }) => {
        const text = renderPlan(plan);
        for (const step of plan.steps) expect(text).toContain(step.title);
      }),
    );
  });
});

describe("waves", () => {
  test("steps that can never start are named", () => {
    const plan = withStep(planOf("dr"), "fence-site", { needs: ["report"] });
    expect(() => wavesOf(plan)).toThrow("plan run-1 has steps that can never start: fence-site, ");
  });
});

test("a plan reads as a list of what will happen", () => {
  const plan = planOf("dr", { approvers: 1, application: SHOP, reason: "aws scores 12." });
  expect(renderPlan(plan)).toMatchInlineSnapshot(`
    "Plan run-1: DR failover of shop from aws-us-east-1 to azure-westeurope
      generation 8 (made at 7)
      reason     aws scores 12.
      if a step fails, the run waits for a person

     1. Wait for 1 person to approve: DR failover of shop from aws-us-east-1 to azure-westeurope? aws scores 12. [approval]
          1 try of 168 h; no undo: It changes nothing.
     2. Stop every writer at aws-us-east-1 and read back that it is stopped [fence-site]
          3 tries of 3 s; undo: unfence-site
     3. Measure how much of aws-us-east-1 has not reached azure-westeurope [measure-loss]
          40 tries of 5 s; no undo: It changes nothing.
     4. Make the database of azure-westeurope the primary, with writes still refused [promote-database]
          5 tries of 30 s; no undo: A promoted copy no longer follows; writes stay refused there, and it is set up as a standby again later.
     5. Run 2 replicas of orders at azure-westeurope [scale-orders]
          5 tries of 30 s; no undo: Running replicas at a site that refuses writes does no harm.
     6. Check that azure-westeurope is up and refuses writes [verify-site]
          40 tries of 5 s; no undo: It changes nothing.
     7. Send users from aws-us-east-1 to azure-westeurope [switch-traffic]
          8 tries of 10 s; undo: switch-traffic
     8. Let azure-westeurope accept writes; from here on there is no way back but another move [open-writes]
          8 tries of 10 s; no undo: From here on clients were told their writes are safe; going back would lose them. Move back with a switchover.
     9. Check from every vantage that users reach azure-westeurope [verify-convergence]
          70 tries of 30 s; no undo: It changes nothing.
    10. Tell people: shop moved from aws-us-east-1 to azure-westeurope (DR failover). [notify]
          3 tries of 10 s, best effort; no undo: What was said stays said.
    11. Write the report of this run [report]
          3 tries of 10 s, best effort; no undo: What was said stays said."
  `);
});

test("every plan but a heal knows which site was active when it was made", () => {
  const active = KINDS.map((kind) => [kind, activeSiteOf(planOf(kind))]);
  expect(Object.fromEntries(active)).toEqual({
    heal: null,
    region: AWS,
    dr: AWS,
    switchover: AWS,
    rollback: AWS,
    rejoin: AWS,
    failback: AWS,
  });
});
