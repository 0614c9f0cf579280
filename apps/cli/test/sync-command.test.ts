import { describe, expect, test } from "vitest";
import type { SyncSummary } from "@cloudphoenix/objects";
import {
  bytesOf,
  concurrencyOf,
  deleteLimitOf,
  durationOf,
  shareOf,
  workerBandwidthOf,
} from "../src/objects/quantities.ts";
import { refuseNonsense } from "../src/objects/sync-choices.ts";
import { loadProgram } from "../src/load-program.ts";
import { buildProgram } from "../src/program.ts";
import { syncText, verifyText } from "../src/render/sync-text.ts";

const CONTEXT = { invoke: () => Promise.resolve() };

describe("amounts", () => {
  test("are read with their units", () => {
    expect([bytesOf("512"), bytesOf("500KB"), bytesOf("1.5 MiB")]).toEqual([
      512, 500_000, 1_572_864,
    ]);
    expect([durationOf("0s"), durationOf("15m"), durationOf("2h")]).toEqual([
      0, 900_000, 7_200_000,
    ]);
    expect(workerBandwidthOf("64KiB")).toBe(65_536);
    expect(shareOf("5%")).toBe(0.05);
    expect(deleteLimitOf("500,10%")).toEqual({ maxCount: 500, maxPercent: 10 });
    expect(deleteLimitOf("0")).toEqual({ maxCount: 0 });
    expect(concurrencyOf("64")).toBe(64);
  });

  test.each([
    () => bytesOf("0"),
    () => bytesOf("fast"),
    () => bytesOf("5 parsecs"),
    () => workerBandwidthOf("63KiB"),
    () => durationOf("15"),
    () => shareOf("5"),
    () => shareOf("101%"),
    () => shareOf("0%"),
    () => deleteLimitOf("many"),
    () => deleteLimitOf("5;6"),
    () => concurrencyOf("0"),
  ])("are refused with the form that is right: %s", (read) => {
    expect(read).toThrow(/^give /);
  });
});

describe("options", () => {
  const none = { include: [], exclude: [], deleteAfter: 1, serverSideCopy: "auto" } as const;

  test.each([
    [{ sample: 0.1 }, "--sample means nothing without --verify"],
    [{ maxDelete: {} }, "--max-delete means nothing without --delete"],
    [{ allowEmptySource: true }, "--allow-empty-source means nothing without --delete"],
    [{ memory: 8 * 1024 * 1024 - 1 }, "--memory is less than one part"],
    [{ verify: true, delete: true }, "--verify changes nothing"],
    [{ verify: true, concurrency: 4 }, "--concurrency means nothing with --verify"],
    [{ verify: true, memory: 64 * 1024 * 1024 }, "--memory means nothing with --verify"],
    [
      { verify: true, serverSideCopy: "never" as const },
      "--server-side-copy means nothing with --verify",
    ],
  ])("%j are refused: %s", (choices, why) => {
    expect(() => refuseNonsense({ ...none, ...choices })).toThrow(why);
  });

  test("sync is loaded alone and is the same as in the whole program", async () => {
    const alone = await loadProgram(["node", "cloudphoenix", "sync"], CONTEXT);
    const whole = buildProgram(CONTEXT);
    const help = (program: typeof alone) =>
      program.commands.find((command) => command.name() === "sync")?.helpInformation();

    expect(alone.commands).toHaveLength(1);
    expect(help(alone)).toBe(help(whole));
    expect((await loadProgram(["node", "cloudphoenix"], CONTEXT)).commands).toHaveLength(
      whole.commands.length,
    );
  });
});

describe("the summary in words", () => {
  const summary: SyncSummary = {
    outcome: "failures",
    dryRun: false,
    progress: {
      sourceObjects: 3,
      targetObjects: 2,
      listingComplete: true,
      same: 1,
      toCopy: 2,
      toCopyBytes: 10,
      unsure: 0,
      unsureBytes: 0,
      foreign: 0,
      perhapsForeign: 0,
      copied: 1,
      copiedBytes: 2_048,
      sentBytes: 2_048,
      alreadyThere: 0,
      gone: 0,
      failed: 1,
      tagsLost: 1,
      tagsUnseen: 2,
      partsKept: 4,
      retries: 0,
      elapsedMs: 1_500,
      bytesPerSecond: 0,
      objectsPerSecond: 0,
      remainingMs: 0,
    },
    serverSide: { objects: 0, bytes: 0, refused: 0, because: null, givenUp: false },
    failures: [
      { name: "a/./b", code: "OBJECT_NAME_REFUSED", message: "no dots", hint: "Rename it." },
    ],
    deletes: { missing: 5, due: 3, deleted: 2, foreign: 1, reprieved: 0, failed: 0, refused: null },
    stoppedBy: null,
  };

  test("says what was done, what was not, why, and what to do next", () => {
    expect(syncText(summary).split("\n")).toEqual([
      "1 objects copied (2.0 KiB), 1 unchanged, in 1.5 s.",
      "4 parts of large objects were there from an earlier run.",
      "1 objects lost their tags: the target keeps none.",
      "2 objects were copied without tags they may have: the rights do not show them.",
      "5 objects were only at the target: 2 deleted, 2 kept or waiting, 1 not ours.",
      "✗ 1 objects failed:",
      "  a/./b: OBJECT_NAME_REFUSED: no dots",
      "  → Rename it.",
      "Everything else is at the target. Run it again to try these again.",
    ]);
  });

  test("tells what would be copied apart from what is to be looked at first", () => {
    const progress = { ...summary.progress, toCopy: 5, toCopyBytes: 3_072, unsureBytes: 1_024 };
    const would = (unsure: number): string =>
      syncText({ ...summary, dryRun: true, progress: { ...progress, unsure } }).split("\n")[0]!;

    expect(would(2)).toBe(
      "Would copy 3 objects (2.0 KiB), and 2 more (1.0 KiB) unless a closer look finds them there; 1 are unchanged. Nothing was changed.",
    );
  });

  test("tells apart what a dry run would replace that is no copy, but not once it is done", () => {
    const progress = { ...summary.progress, foreign: 2, perhapsForeign: 3 };

    expect(
      syncText({ ...summary, dryRun: true, progress })
        .split("\n")
        .slice(1, 3),
    ).toEqual([
      "2 of them meet another object at the target, no copy of ours: it would be replaced.",
      "3 of them meet an object at the target whose listing does not tell whether it is a copy of ours: it would be replaced.",
    ]);
    expect(syncText({ ...summary, progress })).not.toContain("meet");
  });

  test("says of a verification whose content was compared, and of whose nothing is known", () => {
    const progress = { looked: 9, compared: 2, sizeOnly: 7, readBytes: 2_048, differences: 0 };
    const verified = { outcome: "same", progress, differences: [], stoppedBy: null } as const;

    expect(verifyText(verified)).toBe(
      "✓ No difference: 9 objects looked at, the content of 2 compared (2.0 KiB read), 7 by name and size only.",
    );
    const all = { ...verified, progress: { ...progress, sizeOnly: 0 } };
    expect(verifyText(all)).not.toContain("only");
  });

  test("says what the target read itself, and what it could not", () => {
    const serverSide = {
      objects: 7,
      bytes: 3_072,
      refused: 2,
      because: "403 CannotVerifyCopySource",
      givenUp: false,
    };

    expect(syncText({ ...summary, serverSide })).toContain(
      "The target read 7 of them itself (3.0 KiB).\n" +
        "2 objects that it could not read itself were streamed: 403 CannotVerifyCopySource.\n",
    );
    expect(syncText({ ...summary, serverSide: { ...serverSide, givenUp: true } })).toContain(
      "were streamed, and after them everything else: 403 CannotVerifyCopySource.\n",
    );
  });

  test("says how to allow deletes that were refused, and how to go on after an interruption", () => {
    const refused = {
      name: "",
      code: "DELETES_REFUSED",
      message: "too many",
      hint: "Raise --max-delete.",
    } as const;
    const text = syncText({
      ...summary,
      outcome: "interrupted",
      deletes: { ...summary.deletes, refused },
    });

    expect(text).toContain("✗ too many\n  → Raise --max-delete.");
    expect(text).toContain("Run the same command again: it goes on from here.");
  });
});
