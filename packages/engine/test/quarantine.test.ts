import { describe, expect, test } from "vitest";
import { missingDecision, type Quarantine, type QuarantineDecision } from "@cloudphoenix/engine";

// Goal: what counts as a decision about data that only one site has, and what does not.

const QUARANTINE: Quarantine = {
  site: "a",
  writer: "b",
  foundAtMs: 1,
  found: { role: "active", generation: 1 },
  fence: { means: "database", degree: "confirmed", detail: "" },
  reopenedAtMs: null,
  divergence: {
    transactions: 2,
    rowsByTable: { "public.orders": 2 },
    truncatesTables: [],
    firstAtMs: 1,
    lastAtMs: 2,
    rpoMs: 1,
    repairable: true,
    obstacles: [],
    fullCopyTables: [],
  },
  trouble: null,
  decisions: [],
};

const by = (name: string): { by: string; atMs: number; reason: string } => ({
  by: name,
  atMs: 1,
  reason: "a test",
});
const accepted = (name: string): QuarantineDecision => ({ kind: "accepted", ...by(name) });
const exported: QuarantineDecision = { kind: "exported", rows: 2, file: "f", ...by("ann") };
const reapplied = (conflicting: number): QuarantineDecision => ({
  kind: "reapplied",
  applied: 2 - conflicting,
  conflicting,
  ...by("ann"),
});

const CASES: readonly (readonly [
  what: string,
  decisions: readonly QuarantineDecision[],
  approvers: number,
  enough: boolean,
])[] = [
  ["nothing", [], 1, false],
  ["one person accepting, where one is enough", [accepted("ann")], 1, true],
  ["one person accepting, where the policy says 0", [accepted("ann")], 0, true],
  ["one person accepting, where two must", [accepted("ann")], 2, false],
  ["one person accepting twice, where two must", [accepted("ann"), accepted("Ann ")], 2, false],
  ["two people accepting, where two must", [accepted("ann"), accepted("bob")], 2, true],
  ["an export by one person, even where two must accept", [exported], 2, true],
  ["a reapply without conflicts", [reapplied(0)], 2, true],
  ["a reapply that left something out", [reapplied(1)], 1, false],
  ["a reapply that left something out, and an export", [reapplied(1), exported], 1, true],
];

describe("enough to rejoin", () => {
  test.each(CASES)("%s", (_, decisions, approvers, enough) => {
    expect(missingDecision({ ...QUARANTINE, decisions }, approvers) === null).toBe(enough);
  });

  test("nothing to lose needs no decision", () => {
    const { divergence } = QUARANTINE;
    const empty = divergence === null ? null : { ...divergence, transactions: 0 };
    expect(missingDecision({ ...QUARANTINE, divergence: empty }, 2)).toBeNull();
  });

  test("what could not be read is not nothing", () => {
    const unread = { ...QUARANTINE, divergence: null, trouble: "the log is gone" };
    expect(missingDecision(unread, 1)).toContain("could not be read (the log is gone)");
    expect(missingDecision({ ...unread, decisions: [accepted("ann")] }, 1)).toBeNull();
  });
});

test("the sentence says what is at stake and every way out", () => {
  const sentence = missingDecision(QUARANTINE, 1) ?? "";
  for (const part of ["2 transactions", "export --file", "reapply", "accept --reason"]) {
    expect(sentence).toContain(part);
  }
});
