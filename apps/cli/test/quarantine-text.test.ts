// Goal: what a person reads of a quarantined site says what may exist nowhere else, and what nobody knows.
import { describe, expect, test } from "vitest";
import {
  type DivergentRowDocument,
  exportText,
  type ObjectDivergenceDocument,
  type QuarantineDocument,
  quarantineText,
} from "../src/render/quarantine-text.ts";
import { Terminal } from "../src/terminal.ts";

const { paint } = new Terminal({
  json: false,
  quiet: true,
  colour: false,
  logLevel: "error",
  logFile: undefined,
});

const QUARANTINE: QuarantineDocument = {
  site: "aws-us-east-1",
  writer: "azure-westeurope",
  foundAtMs: 1_800_000_000_000,
  found: { role: "active", generation: 1 },
  fence: { degree: "confirmed", detail: "writes are refused" },
  reopenedAtMs: null,
  divergence: null,
  trouble: null,
  decisions: [],
  missing: null,
};

const OBJECTS: ObjectDivergenceDocument = {
  looked: 500,
  onlyThere: 2,
  differing: 1,
  outdated: 4,
  bytes: 3_072,
  complete: true,
  trouble: null,
  first: [
    {
      key: "receipts/7.pdf",
      kind: "only-there",
      sizeBytes: 1_024,
      modifiedMs: 1_800_000_000_000,
      writer: null,
    },
    {
      key: "receipts/8.pdf",
      kind: "differs",
      sizeBytes: 1_024,
      modifiedMs: 1_800_000_000_000,
      writer: { sizeBytes: 2_048, modifiedMs: 1_800_000_000_000 },
    },
  ],
};

function shown(objects: ObjectDivergenceDocument | null): string {
  return quarantineText({ quarantine: QUARANTINE, rows: [], objects }, paint);
}

describe("a site that lost nothing", () => {
  const divergence = {
    transactions: 0,
    rowsByTable: {},
    firstAtMs: null,
    lastAtMs: null,
    rpoMs: 0,
    repairable: true,
    obstacles: [],
    fullCopyTables: [],
  };
  const text = (change: object): string =>
    quarantineText(
      {
        quarantine: { ...QUARANTINE, divergence: { ...divergence, ...change } },
        rows: [],
        objects: null,
      },
      paint,
    );

  test("may rejoin", () => {
    expect(text({})).toContain("Nothing exists only at aws-us-east-1.");
    expect(text({})).toContain("It may rejoin: cloudphoenix quarantine rejoin");
  });

  test("and cannot be repaired says what is in the way, and is not sent to rejoin", () => {
    const obstacle = "site azure-westeurope no longer keeps the log";

    const shut = text({ repairable: false, obstacles: [obstacle] });

    expect(shut).toContain(`  ✗ ${obstacle}`);
    expect(shut).toContain("Full re-seed");
    expect(shut).not.toContain("quarantine rejoin");
  });
});

describe("a change", () => {
  const CHANGE: DivergentRowDocument = {
    table: "public.orders",
    operation: "update",
    key: { id: "7" },
    before: null,
    row: { id: "7", note: "new" },
    unchanged: [],
    committedAtMs: 1_800_000_000_000,
  };
  const text = (changes: Partial<DivergentRowDocument>): string =>
    quarantineText(
      { quarantine: QUARANTINE, rows: [{ ...CHANGE, ...changes }], objects: null },
      paint,
    );

  test("says what the row was, where the log has it, and what was left as it was", () => {
    expect(text({ before: { id: "7", note: "old" } })).toContain(
      'update public.orders {"id":"7","note":"new"} was {"note":"old"}\n',
    );
    expect(text({ unchanged: ["photo", "scan"] })).toContain(
      'update public.orders {"id":"7","note":"new"} (left as it was: photo, scan)\n',
    );
    expect(text({})).toContain('update public.orders {"id":"7","note":"new"}\n');
  });

  test("that took a row away says what the row was, or at least its key", () => {
    const gone = { operation: "delete", row: null };
    expect(text({ ...gone, before: { id: "7", note: "old" } })).toContain(
      'delete public.orders {"id":"7","note":"old"}\n',
    );
    expect(text(gone)).toContain('delete public.orders {"id":"7"}\n');
  });
});

describe("an export", () => {
  const kept = { file: "lost.jsonl", rows: 3, objects: null, trouble: null };

  test("says where the changes and the list of the objects are", () => {
    const objects = { file: "lost.objects.jsonl", count: 5 };

    const text = exportText("aws-us-east-1", { ...kept, objects });

    expect(text).toContain("3 changes of aws-us-east-1 are kept in lost.jsonl.");
    expect(text).toContain("5 objects");
    expect(text).toContain("lost.objects.jsonl");
  });

  test("says what is not there, why, and how to get it", () => {
    const text = exportText("aws-us-east-1", { ...kept, trouble: "the store does not answer" });

    expect(text).toContain("are kept in lost.jsonl.");
    expect(text).toContain("The objects are not listed: the store does not answer. Export again");
  });

  test("has no word of objects where there are none", () => {
    expect(exportText("aws-us-east-1", kept)).not.toContain("bject");
  });
});

describe("a quarantined site", () => {
  test("shows the objects it alone has with size and time, how many more there are, and what a rejoin does", () => {
    const text = shown(OBJECTS);

    expect(text).toContain(
      "Objects: 2 exist only there, 1 differ from those of azure-westeurope (3.0 KiB together; 500 compared)",
    );
    expect(text).toContain("4 more had been copied");
    expect(text).toContain('2027-01-15T08:00:00.000Z "receipts/7.pdf" 1.0 KiB\n');
    expect(text).toContain('"receipts/8.pdf" 1.0 KiB, there 2.0 KiB');
    expect(text).toContain("… and 1 more");
    expect(text).toContain("neither overwritten nor deleted");
  });

  test("does not call nothing what nobody could compare", () => {
    const trouble = "the object store of aws-us-east-1 cannot be asked: no answer within 5 s";
    const nothing = { looked: 0, onlyThere: 0, differing: 0, outdated: 0, bytes: 0, first: [] };

    const text = shown({ ...nothing, complete: false, trouble });

    expect(text).toContain(`Which objects only aws-us-east-1 has is not known: ${trouble}`);
    expect(text).not.toContain("exist only there");
  });

  test("says of a look that ran out of time that there may be more, and how to get all", () => {
    const text = shown({ ...OBJECTS, complete: false, trouble: "the time for a look was up" });

    expect(text).toContain("Objects: at least 2 exist only there");
    expect(text).toContain("Not all were compared: the time for a look was up");
    expect(text).toContain("quarantine export --site aws-us-east-1 --file FILE");
  });

  test("has no word of objects where the application has none", () => {
    expect(shown(null)).not.toContain("bject");
  });
});

test("a site that took writes again says when, and that what was decided is void", () => {
  const quarantine = { ...QUARANTINE, reopenedAtMs: 1_800_000_000_000 };
  expect(quarantineText({ quarantine, rows: [], objects: null }, paint)).toMatch(
    /took writes again at .*decided before that is void/u,
  );
});
