// Goal: a reapply treats tables of every make as replication would. Each story is one that a plain
// `insert`, `update` or `delete` of the logged values does not survive.
import { expect, test } from "vitest";
import { SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { contents, type Parted, reapply, setStage, type Story } from "./fixture/parted.ts";

const stage = setStage();

function parted(application: string, schema: string, story: Story): Promise<Parted> {
  return stage.part({ application, schema }, story);
}

async function expectSame(tables: readonly string[]): Promise<void> {
  expect(await contents(stage.pair, SITE_B, tables)).toEqual(
    await contents(stage.pair, SITE_A, tables),
  );
}

test("rows with identities that nobody may set, and rows that hold nothing but their key", async () => {
  const found = await parted(
    "identities",
    `create table public.numbered (id text primary key, n int generated always as identity, v text);
     create table public.counted (id int generated always as identity primary key, v text);
     create table public.links (a int, b int, primary key (a, b))`,
    {
      shared: `insert into numbered (id, v) values ('a', 'x'), ('b', 'x');
        insert into counted (v) values ('x'), ('x'); insert into links values (1, 1), (2, 2)`,
      lost: [
        "update numbered set v = 'lost' where id = 'a'",
        "insert into numbered (id, v) values ('c', 'lost')",
        "update counted set v = 'lost' where id = 1",
        "insert into counted (v) values ('lost')",
        "update links set a = a where a = 1",
        "update links set b = 7 where a = 2",
      ],
    },
  );
  expect(await reapply(found)).toMatchObject({ applied: 6, conflicting: 0 });
  await expectSame(["numbered", "counted", "links"]);
});

test("rows whose identity was drawn anew are left out, because nobody may set it", async () => {
  const found = await parted(
    "drawn",
    `create table public.numbered (id text primary key, n int generated always as identity);
     create table public.counted (id int generated always as identity primary key, v text)`,
    {
      shared: "insert into numbered (id) values ('a'); insert into counted (v) values ('x')",
      lost: [
        "update numbered set n = default where id = 'a'",
        "update counted set id = default where id = 1",
        "insert into counted (v) values ('fits')",
      ],
    },
  );
  expect(await reapply(found)).toMatchObject({
    applied: 1,
    conflicting: 2,
    conflicts: [{ table: "public.numbered" }, { table: "public.counted" }],
  });
});

test("tables whose triggers refuse or note what is done to them, because none of them fires", async () => {
  const found = await parted(
    "triggers",
    `create table public.ledger (id int primary key, v text);
     create table public.noted (id int primary key, v text);
     create table public.notes (id int primary key generated always as identity, what text);
     create function public.refuse() returns trigger language plpgsql
       as $$ begin raise exception 'the ledger only grows'; end $$;
     create function public.note() returns trigger language plpgsql
       as $$ begin insert into public.notes (what) values (tg_op); return null; end $$;
     create trigger refuse before update or delete on public.ledger
       for each statement execute function public.refuse();
     create trigger note after insert or update or delete on public.noted
       for each statement execute function public.note()`,
    { lost: ["insert into ledger values (1, 'lost')", "insert into noted values (1, 'lost')"] },
  );
  expect(await reapply(found)).toMatchObject({ applied: 3, conflicting: 0 });
  await expectSame(["ledger", "noted", "notes"]);
});

test("keys and references of an extension's type, which knows itself what is equal", async () => {
  const found = await parted(
    "extension",
    `create extension citext schema public;
     create table public.people (email public.citext primary key, v text);
     create table public.visits (id int primary key, who public.citext references public.people)`,
    {
      shared: "insert into people values ('Ann@x', 's'), ('bob@x', 's'), ('cy@x', 's')",
      lost: [
        "update people set v = 'lost' where email = 'ann@x'",
        "insert into visits values (1, 'ANN@x')",
        "update people set email = 'Bob@X' where email = 'bob@x'",
        "insert into visits values (2, 'CY@x')",
      ],
      later: "delete from people where email = 'cy@x'",
    },
  );
  const result = await reapply(found);
  expect(result).toMatchObject({ applied: 3, conflicting: 1, conflicts: [{ key: { id: "2" } }] });
  expect(await contents(stage.pair, SITE_B, ["people", "visits"])).toEqual({
    people: ["(Ann@x,lost)", "(Bob@X,s)"],
    visits: ["(1,ANN@x)"],
  });
  const { salvage } = stage.pair.replication;
  await salvage.rejoin(SITE_A, SITE_B, found.request, soon());
  expect(await salvage.compare(SITE_B, SITE_A, soon())).toMatchObject({ equal: true });
  await expectSame(["people", "visits"]);
});

test("references that nobody enforces, and references to periods, which several rows cover together", async () => {
  const found = await parted(
    "periods",
    `create extension btree_gist schema public;
     create table public.loose (id int primary key, k int references public.loose not enforced);
     create table public.rates (room int, during int4range,
       primary key (room, during without overlaps));
     alter table public.rates replica identity full;
     create table public.stays (id int primary key, room int, during int4range,
       foreign key (room, period during) references public.rates (room, period during))`,
    {
      shared: `insert into rates values (1, '[1,9)'), (2, '[1,5)'), (2, '[5,9)'), (3, '[1,9)'), (4, '[1,9)');
        insert into stays values (1, 1, '[2,4)'), (6, 4, null)`,
      lost: [
        "insert into loose values (1, 99)",
        "insert into stays values (2, 2, '[3,7)')",
        "insert into stays values (3, null, '[3,7)')",
        "update rates set during = '[5,8)' where room = 2 and during = '[5,9)'",
        "update rates set during = '[1,8)' where room = 4",
        "insert into stays values (5, 3, '[3,7)')",
        "begin; delete from stays where id = 1; update rates set during = '[6,9)' where room = 1; commit",
      ],
      later: `insert into stays values (4, 1, '[5,7)');
        update rates set during = '[1,5)' where room = 3`,
    },
  );
  const result = await reapply(found);
  expect(result.conflicts.map(({ table, operation }) => `${operation} ${table}`)).toEqual([
    "insert public.stays",
    "delete public.stays",
    "update public.rates",
  ]);
  expect(result.applied).toBe(5);
  expect(await contents(stage.pair, SITE_B, ["rates", "stays", "loose"])).toEqual({
    rates: ['(1,"[1,9)")', '(2,"[1,5)")', '(2,"[5,8)")', '(3,"[1,5)")', '(4,"[1,8)")'],
    stays: ['(1,1,"[2,4)")', '(2,2,"[3,7)")', '(3,,"[3,7)")', '(4,1,"[5,7)")', "(6,4,)"],
    loose: ["(1,99)"],
  });
});

test("values of every type, under names and keys that could be mistaken for what the log prints", async () => {
  const found = await parted(
    "values",
    `create schema "The: UPDATE: S";
     create type "The: UPDATE: S"."My ]: Mood" as enum ('good', 'it''s "odd"', 'null');
     create domain public.level as int check (value > 0);
     create table "The: UPDATE: S"."a.b, ""c"" old-key:" (
       "new-tuple" text, "a[b]:" "The: UPDATE: S"."My ]: Mood", "Level" public.level, bytes bytea,
       list text[], moods "The: UPDATE: S"."My ]: Mood"[], f float8, bits bit(3), ch char(4), j json,
       span interval, at timestamptz, flag bool, big text,
       twice int generated always as ("Level" * 2) stored,
       primary key ("new-tuple", "a[b]:", "Level", bytes));
     alter table "The: UPDATE: S"."a.b, ""c"" old-key:" alter big set storage external`,
    {
      shared: `insert into "The: UPDATE: S"."a.b, ""c"" old-key:" values
        ('null', 'null', 1, '\\x00ff27', '{null,"null","it''s, \\"q\\""}', '{good,"it''s \\"odd\\""}',
          'NaN', B'101', 'ab', '{"b": 1,  "a": 1}', '1 mon -3 days', 'infinity', null, repeat('x', 9000)),
        ('unchanged-toast-datum', 'good', 2, '', '{}', null, '-Infinity', null, '', 'null', null, null,
          false, '')`,
      lost: [
        `update "The: UPDATE: S"."a.b, ""c"" old-key:" set flag = true, list = list || text E'\\n\\\\'`,
        `update "The: UPDATE: S"."a.b, ""c"" old-key:" set "new-tuple" = 'it''s new-tuple: x', bytes = '\\x5c'
          where "Level" = 1`,
        `insert into "The: UPDATE: S"."a.b, ""c"" old-key:" select '', 'it''s "odd"', 3, '\\x', null, '{}', 0.1 + 0.2,
          B'000', null, '[]', '00:00:01.5', '2026-01-01 00:00:00.123456+02', null, null`,
        `delete from "The: UPDATE: S"."a.b, ""c"" old-key:" where "new-tuple" = 'unchanged-toast-datum'`,
      ],
    },
  );
  expect(await reapply(found)).toMatchObject({ applied: 5, conflicting: 0 });
  await expectSame([`"The: UPDATE: S"."a.b, ""c"" old-key:"`]);
});
