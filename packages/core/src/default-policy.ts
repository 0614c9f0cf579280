/** The policy an application has if its configuration says nothing, with a reason per field. */

import type { Policy } from "./policy.ts";

/** Every default in one place; `POLICY_REASONS` says why each is what it is. */
export const DEFAULT_POLICY: Policy = {
  bands: { heal: 4, region: 8, dr: 11 },
  holdMs: { heal: 3_000, region: 10_000, dr: 15_000 },
  clearMargin: 1,
  clearMs: 5_000,
  coverageMin: 0.5,
  evidenceMin: { heal: 1, region: 2, dr: 3 },
  modes: { heal: "auto", region: "approve", dr: "approve" },
  cooldownMs: 3_600_000,
  freezes: [],
  fenceMin: "network",
  canaryAgeMaxMs: 30_000,
  approversForRisk: 1,
  healsMax: 3,
  healWindowMs: 600_000,
};

/** Why each default is what it is, one sentence per field; the documentation prints this table. */
export const POLICY_REASONS: Readonly<Record<keyof Policy, string>> = {
  bands:
    "A failed service heals at 4, trouble that several questions agree on moves region at 8, and only what three independent places see reaches DR at 11.",
  holdMs:
    "The graver the action, the longer the score must hold without a break: one restart is cheap after 3 s, a move across clouds waits for 15 s.",
  clearMargin:
    "A level clears one point below its band, so that a score that sits on the edge does not flip it at every answer.",
  clearMs: "Five quiet seconds are several answers of every default signal in a row.",
  coverageMin:
    "With less than half of the points known, silence is likelier a failure of the monitoring than of the site.",
  evidenceMin:
    "One witness may trigger a restart, a region move needs two that cannot fail together, and DR needs three, one of them in the target's cloud and one outside.",
  modes:
    "Healing in place loses nothing and acts by itself; a move can lose acknowledged writes, so a person says yes until the operator decides otherwise.",
  cooldownMs:
    "An hour between automatic moves keeps a fault that travels along from moving the application back and forth (Orchestrator uses the same hour).",
  freezes: "No window is frozen unless the operator names one.",
  fenceMin:
    "Blocking every way in and reading that back is the strongest fence that works when the old site no longer answers.",
  canaryAgeMaxMs:
    "A standby that had not shown a heartbeat for 30 s before the fault was not following, whatever its health check says.",
  approversForRisk:
    "One named person accepts a loss beyond the objective or an unproven fence; set 2 where one person must not be able to.",
  healsMax:
    "If three repairs in a row did not help, a fourth will not, and it may hide what is wrong.",
  healWindowMs:
    "Ten minutes is long enough to count a repair that keeps being undone as one story.",
};
