import type { Situation } from "@cloudphoenix/core";
import {
  SIMULATED_APPLICATION,
  SIMULATED_POLICY,
  SIMULATED_ROLES,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { type OperatorDesk, startRequest } from "../src/loops/operator-request.ts";
import type { Launch, RunLauncher } from "../src/loops/run-launcher.ts";
import { A, B } from "./simulation.ts";

const C = "gcp-europe-west1";

/** A desk for three sites; what it would launch is in `launched`. */
function deskOf(namesLeadTo: string | null): {
  readonly desk: OperatorDesk;
  readonly launched: Launch["request"][];
} {
  const launched: Launch["request"][] = [];
  const application = {
    ...SIMULATED_APPLICATION,
    sites: [...SIMULATED_APPLICATION.sites, { id: C, cloud: "gcp", region: "europe-west1" }],
  };
  const situation: Situation = {
    nowMs: 0,
    application,
    roles: SIMULATED_ROLES,
    policy: SIMULATED_POLICY,
    signals: [],
    vantages: [],
    observations: [],
    sights: [],
    levels: {},
    standbys: [],
    activity: { running: null, lastMoveEndedAtMs: null, healsEnded: [], maintenance: null },
  };
  const launcher: Pick<RunLauncher, "launch"> = {
    launch: async ({ request }) => {
      launched.push(request);
      throw new Error("enough seen");
    },
  };
  const desk = {
    clock: new VirtualClock(),
    entry: { check: async () => ({ status: "unhealthy", detail: "writes refused" }) },
    traffic: { read: async () => ({ site: namesLeadTo, generation: 2, ttlMs: 0, answer: "" }) },
    launcher,
    lost: new AbortController().signal,
    situation: async () => situation,
  } as unknown as OperatorDesk;
  return { desk, launched };
}

const ASKED = { kind: "rollback", reason: "stuck", acceptLoss: false, by: "ann" } as const;

test("a rollback among three sites says what to name where nothing tells which one it leaves", async () => {
  const { desk, launched } = deskOf(null);
  await expect(startRequest(desk, ASKED)).rejects.toMatchObject({
    code: "BAD_REQUEST",
    hint: `Name the site that the move went to: cloudphoenix rollback --from ${B}, or ${C}.`,
  });
  expect(launched).toEqual([]);
});

test.each([
  ["that a person names", null, { ...ASKED, from: C }, C],
  ["that the names lead to", B, ASKED, B],
  ["that a person names, wherever the names lead", B, { ...ASKED, from: C }, C],
] as const)("a rollback among three sites leaves the one %s", async (_, names, asked, from) => {
  const { desk, launched } = deskOf(names);
  await expect(startRequest(desk, asked)).rejects.toThrow("enough seen");
  expect(launched).toMatchObject([{ kind: "rollback", from, target: A, approvers: 1 }]);
});
