import { expect, test } from "vitest";
import { failureOf } from "./fixture/failure.ts";
import { SITE_A, SITE_B } from "./fixture/pair.ts";
import { contents, type Parted, reapply, setStage, type Story } from "./fixture/parted.ts";

const stage = setStage();

function parted(application: string, schema: string, story: Story): Promise<Parted> {
  return stage.part({ application, schema }, story);
}

const DDL = [
  {
    at: SITE_A,
    does: "adds a column",
    ddl: "add more text",
    says: `column more of table public.t is missing at ${SITE_B}`,
  },
  {
    at: SITE_B,
    does: "adds a column",
    ddl: "add more text",
    says: `column more of table public.t is missing at ${SITE_A}`,
  },
  {
    at: SITE_A,
    does: "drops a column",
    ddl: "drop v",
    says: `column v of table public.t is missing at ${SITE_A}`,
  },
  {
    at: SITE_B,
    does: "drops a column",
    ddl: "drop v",
    says: `column v of table public.t is missing at ${SITE_B}`,
  },
  {
    at: SITE_A,
    does: "changes a type",
    ddl: "alter v type varchar(5)",
    says: `column v of table public.t is character varying(5) at ${SITE_A} and text at ${SITE_B}`,
  },
  {
    at: SITE_B,
    does: "changes the key",
    ddl: "drop constraint t_pkey, add primary key (id, k)",
    says: `rows of table public.t are known by (id) at ${SITE_A} and by (id, k) at ${SITE_B}`,
  },
  {
    at: SITE_B,
    does: "renames the table",
    ddl: "rename to u",
    says: `table public.t is missing at ${SITE_B}`,
  },
] as const;

test.each(DDL)(
  "nothing is applied if $at $does that lost changes touch, and it is said which",
  async (one) => {
    const { at, ddl, says } = one;
    const change = `alter table public.t ${ddl}`;
    const found = await parted(
      `ddl_${DDL.indexOf(one)}`,
      "create table public.t (id int primary key, k int not null default 0, v text); create table public.other (id int primary key)",
      {
        shared: "insert into t (id, v) values (1, 'same')",
        lost: [
          "insert into other values (1)",
          "update t set k = 1 where id = 1",
          ...(at === SITE_A ? [change, "insert into t (id) values (2)"] : []),
        ],
        later: at === SITE_B ? change : "",
      },
    );
    expect(await failureOf(reapply(found))).toMatchObject({
      code: "CONFLICT",
      retryable: false,
      message: expect.stringContaining(says),
      hint: expect.stringContaining("export"),
    });
    expect(await stage.pair.ask(SITE_B, "select from other")).toEqual([]);
  },
);

test("a change of the schema that is made at the other site, too, is in no way any more", async () => {
  const found = await parted("ddl_both", "create table public.t (id int primary key, v text)", {
    shared: "insert into t values (1, 'same')",
    lost: [
      "update t set v = 'before' where id = 1",
      "alter table t add more int",
      "insert into t values (2, 'after', 7)",
    ],
  });
  expect(await failureOf(reapply(found))).toMatchObject({ code: "CONFLICT" });
  await found.there.query("alter table t add more int");
  expect(await reapply(found)).toMatchObject({ applied: 2, conflicting: 0 });
  expect(await contents(stage.pair, SITE_B, ["t"])).toEqual({ t: ["(1,before,)", "(2,after,7)"] });
});

test("a lost change that names a column which neither site has any more is refused by name", async () => {
  const found = await parted("ddl_gone", "create table public.t (id int primary key, v text)", {
    lost: ["insert into t values (1, 'lost')", "alter table t drop v"],
    later: "alter table t drop v",
  });
  expect(await failureOf(reapply(found))).toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("column v of table public.t, which a lost change names"),
  });
});
