import { expect, test } from "vitest";
import { LostTransactions } from "../src/lost-transactions.ts";
import { parseLsn } from "../src/lsn.ts";
import { parseChange } from "../src/test-decoding.ts";

test("reads values of every shape the plugin prints", () => {
  const change = parseChange(
    `table public."Order Items": INSERT: id[bigint]:-7 "my ""note"""[text]:'it''s [x]:y' ` +
      `tags[text[]]:'{a,"b c"}' code[character varying]:null ok[boolean]:true ` +
      `bits[bit varying]:B'101' odd[public."My ]: Type"]:'a: INSERT: b' n[numeric]:1.50`,
  );
  expect(change?.tables).toEqual(['public."Order Items"']);
  expect(change?.operation).toBe("INSERT");
  expect(Object.fromEntries(change?.columns ?? [])).toEqual({
    id: "-7",
    'my "note"': "it's [x]:y",
    tags: '{a,"b c"}',
    code: null,
    ok: "true",
    bits: "101",
    odd: "a: INSERT: b",
    n: "1.50",
  });
});

test("reads updates with an old key, deletes without data, and truncation of several tables", () => {
  expect(
    parseChange("table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2"),
  ).toMatchObject({ tables: ["public.t"], operation: "UPDATE" });
  expect(parseChange("table public.t: DELETE: (no-tuple-data)")).toMatchObject({
    operation: "DELETE",
  });
  expect(parseChange('table public.a, "S".b: TRUNCATE: restart_seqs cascade')).toMatchObject({
    tables: ["public.a", '"S".b'],
    operation: "TRUNCATE",
  });
});

test("reads new values, what was known of the old row, and leaves out what was not logged", () => {
  const change = parseChange(
    `table public.t: UPDATE: old-key: id[integer]:1 code[text]:'a '' new-tuple: b' ` +
      `new-tuple: id[integer]:2 code[text]:null big[text]:unchanged-toast-datum ` +
      `note[text]:'unchanged-toast-datum' "new-tuple"[text]:'x'`,
  );
  expect(Object.fromEntries(change?.old ?? [])).toEqual({ id: "1", code: "a ' new-tuple: b" });
  expect(Object.fromEntries(change?.columns ?? [])).toEqual({
    id: "2",
    code: null,
    note: "unchanged-toast-datum",
    "new-tuple": "x",
  });
  expect(change?.notLogged).toEqual(["big"]);
  const plain = parseChange("table public.t: UPDATE: id[integer]:1 v[text]:'x'");
  expect(plain?.old).toBeNull();
  expect(Object.fromEntries(plain?.columns ?? [])).toEqual({ id: "1", v: "x" });
  const gone = parseChange("table public.pair: DELETE: a[integer]:1 b[text]:'x y'");
  expect(Object.fromEntries(gone?.old ?? [])).toEqual({ a: "1", b: "x y" });
  expect(gone?.columns.size).toBe(0);
  expect(parseChange("table public.t: DELETE: (no-tuple-data)")?.old).toBeNull();
});

test("our own repairs are nobody's loss", () => {
  const report = lostAfter("0/1", [
    ...transaction(
      "0/2",
      1,
      "message: transactional: 1 prefix: cloudphoenix-repair, sz: 0 content:",
      "table public.t: INSERT: id[integer]:1",
    ),
    ...transaction("0/3", 1, "table public.t: INSERT: id[integer]:2"),
  ]);
  expect(report).toMatchObject({ transactions: 1, keysByTable: { "public.t": ["2"] } });
});

test("skips what is not a change of rows, and refuses what it does not understand", () => {
  expect(parseChange("BEGIN 7")).toBeNull();
  expect(parseChange("message: transactional: 1 prefix: x, sz: 1 content:y")).toBeNull();
  expect(() => parseChange("table public.t: MERGE: id[integer]:1")).toThrow("unexpected output");
});

const KEYS = new Map([
  ["public.t", ["id"]],
  ["public.pair", ["a", "b"]],
]);

function lostAfter(applied: string, rows: readonly (readonly [string, string])[]) {
  const lost = new LostTransactions(parseLsn(applied), KEYS);
  for (const [lsn, data] of rows) lost.add({ lsn, data });
  return lost.report();
}

/** The lines of a transaction whose commit ends at `lsn`, in second `second` of one minute. */
function transaction(lsn: string, second: number, ...changes: readonly string[]) {
  const time = `2026-01-02 03:04:${String(second).padStart(2, "0")}.5+00`;
  return [
    ["0/1", "BEGIN 7"],
    ...changes.map((change) => ["0/1", change] as const),
    [lsn, `COMMIT 7 (at ${time})`],
  ] as (readonly [string, string])[];
}

test("a transaction is lost only if its commit lies strictly behind the applied position", () => {
  const report = lostAfter("0/10", [
    ...transaction("0/9", 1, "table public.t: INSERT: id[integer]:1"),
    ...transaction("0/10", 2, "table public.t: INSERT: id[integer]:2"),
    ...transaction("0/11", 5, "table public.t: INSERT: id[integer]:3"),
    ...transaction("0/100", 9, "table public.t: INSERT: id[integer]:4"),
  ]);
  expect(report).toEqual({
    transactions: 2,
    rowsByTable: { "public.t": 2 },
    keysByTable: { "public.t": ["3", "4"] },
    truncated: false,
    rpoMs: 7_000,
  });
});

test("heartbeats are nobody's loss, but tell when the last applied commit was", () => {
  const beat = "table cloudphoenix.heartbeat: UPDATE: id[integer]:1 at_ms[bigint]:5";
  const report = lostAfter("0/10", [
    ...transaction("0/10", 3, beat),
    ...transaction("0/11", 4, beat),
    ...transaction("0/12", 5, beat, "table public.t: DELETE: id[integer]:1"),
    ...transaction("0/13", 8, beat),
  ]);
  expect(report).toMatchObject({
    transactions: 1,
    rowsByTable: { "public.t": 1 },
    keysByTable: {},
    rpoMs: 2_000,
  });
});

test("keys of several columns are JSON, and no more keys are kept than there is room for", () => {
  const report = lostAfter("0/1", [
    ...transaction("0/2", 1, "table public.pair: INSERT: b[text]:'x,y' a[integer]:1"),
    ...transaction(
      "0/3",
      1,
      ...Array.from({ length: 10_001 }, (_, id) => `table public.t: INSERT: id[integer]:${id}`),
    ),
  ]);
  expect(report.keysByTable["public.pair"]).toEqual(['["1","x,y"]']);
  expect(report.keysByTable["public.t"]).toHaveLength(9_999);
  expect(report.rowsByTable["public.t"]).toBe(10_001);
  expect(report.truncated).toBe(true);
});
