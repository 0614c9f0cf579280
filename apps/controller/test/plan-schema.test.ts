import { PLAN_KINDS, planFor } from "@cloudphoenix/core";
import { SIMULATED_APPLICATION, SIMULATED_ROLES } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { planSchema } from "../src/api/schemas/plan-schema.ts";

const HOME = SIMULATED_ROLES.active;
const AWAY = SIMULATED_APPLICATION.sites.find(({ id }) => id !== HOME)?.id ?? "";

test.each(PLAN_KINDS)("every step of a plan of kind %s is in the API's document", (kind) => {
  const plan = planFor({
    id: "run-1",
    kind,
    application: { ...SIMULATED_APPLICATION, objects: { rpoMs: 60_000 } },
    roles: SIMULATED_ROLES,
    target: kind === "rollback" ? HOME : AWAY,
    nowMs: 0,
    reason: "a test",
    approvers: 1,
    acceptedLoss: { writesMs: 5_000, objectsMs: null },
  });
  expect(planSchema.parse(plan)).toEqual(plan);
});
