import { expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { SITE_B } from "./fixture/pair.ts";
import { contents, type Parted, reapply, setStage, type Story } from "./fixture/parted.ts";
import { until } from "./fixture/until.ts";

const stage = setStage();

function parted(application: string, schema: string, story: Story): Promise<Parted> {
  return stage.part({ application, schema }, story);
}

/** What each kind of deferrable constraint forbids and lets through, as PostgreSQL has it. */
const KINDS = [
  {
    kind: "a unique constraint, initially immediate",
    schema: "create table public.t (id int primary key, k text unique deferrable)",
    later: "(1, 'same'), (2, null)",
    fits: ["(11, 'other')", "(12, null)"],
    clashes: "(21, 'same')",
  },
  {
    kind: "a unique constraint, initially deferred",
    schema: `create table public.t (id int primary key, a int, k varchar(9),
      unique (a, k) deferrable initially deferred)`,
    later: "(1, 1, 'same'), (2, null, 'half')",
    fits: ["(11, 2, 'same')", "(12, null, 'half')"],
    clashes: "(21, 1, 'same')",
  },
  {
    kind: "a primary key",
    schema: `create table public.t ("The Key" text primary key deferrable, v int);
      alter table public.t replica identity full`,
    later: "('same', 1)",
    fits: ["('other', 2)"],
    clashes: "('same', 3)",
  },
  {
    kind: "a unique constraint to which nulls are alike",
    schema: `create table public.t (id int primary key, a int, k text,
      unique nulls not distinct (a, k) deferrable)`,
    later: "(1, 1, null), (2, null, null)",
    fits: ["(11, 2, null)", "(12, null, 'x')"],
    clashes: "(21, 1, null)",
  },
  {
    kind: "an exclusion of what overlaps",
    schema: `create table public.t (id int primary key, k int4range,
      exclude using gist (k with &&) deferrable)`,
    later: "(1, '[1,5)'), (2, null)",
    fits: ["(11, '[15,19)')", "(12, null)"],
    clashes: "(21, '[4,9)')",
  },
  {
    kind: "an exclusion by an expression, of some rows only",
    schema: `create table public.t (id int primary key, "K k" text, gone bool,
      exclude using btree (lower("K k") with =) where (not gone) deferrable initially deferred)`,
    later: "(1, 'Same', false), (2, 'gone', true)",
    fits: ["(11, 'same', true)", "(12, 'GONE', false)"],
    clashes: "(21, 'SAME', false)",
  },
] as const;

test.each(KINDS)(
  "a row that $kind forbids is left out; others are not",
  async ({ kind, schema, later, fits, clashes }) => {
    const application = `kind_${KINDS.findIndex((one) => one.kind === kind)}`;
    const found = await parted(application, schema, {
      lost: [`insert into t values ${fits.join(", ")}`, `insert into t values ${clashes}`],
      later: `insert into t values ${later}`,
    });
    const before = await contents(stage.pair, SITE_B, ["t"]);
    const result = await reapply(found);
    expect(result).toMatchObject({ applied: fits.length, conflicting: 1 });
    const [conflict] = result.conflicts;
    expect(clashes).toContain(Object.values(conflict?.row ?? {})[0]);
    const after = await contents(stage.pair, SITE_B, ["t"]);
    expect(after["t"]).toEqual(expect.arrayContaining([...(before["t"] ?? [])]));
    expect(after["t"]).toHaveLength((before["t"]?.length ?? 0) + fits.length);
  },
);

const SWAPPED = `create table public.t (id int primary key, k text unique deferrable initially deferred)`;

test("a swap of deferred keys is applied whole, and an update to a taken key is left out", async () => {
  const found = await parted("swap", SWAPPED, {
    shared: "insert into t values (1, 'one'), (2, 'two'), (3, 'three')",
    lost: [
      "begin; update t set k = 'two' where id = 1; update t set k = 'one' where id = 2; commit",
      "begin; update t set k = 'taken' where id = 3; insert into t values (5, 'with it'); commit",
    ],
    later: "insert into t values (4, 'taken')",
  });
  expect(await reapply(found)).toMatchObject({ applied: 2, conflicting: 2 });
  expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({
    t: ["(1,two)", "(2,one)", "(3,three)", "(4,taken)"],
  });
});

// An index of a deferrable constraint lets both in, and whoever looks sees only what is committed.
test("a key that the application takes at the same moment is not taken twice", async () => {
  const found = await parted("meanwhile", SWAPPED, { lost: "insert into t values (1, 'k')" });
  const { there } = found;
  await there.query("begin; insert into t values (2, 'k')");
  const applying = reapply(found);
  await until(async () => {
    const waiting = await stage.pair.ask(SITE_B, "select from pg_locks where not granted");
    return waiting.length > 0;
  });
  await there.query("commit");
  expect(await applying).toMatchObject({ applied: 0, conflicting: 1 });
  expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: ["(2,k)"] });
});

test("a transaction that does not end has the whole refused for now, naming the table", async () => {
  const found = await parted("endless", SWAPPED, { lost: "insert into t values (1, 'k')" });
  const { there } = found;
  await there.query("begin; insert into t values (2, 'other')");
  expect(await failureOf(reapply(found))).toMatchObject({
    code: "CONFLICT",
    retryable: true,
    message: expect.stringContaining("public.t"),
    hint: expect.stringContaining("apply again"),
  });
  await there.query("commit");
  expect(await reapply(found)).toMatchObject({ applied: 1, alreadyDone: false });
});
