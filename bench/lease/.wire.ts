import { openBenchServer } from "/work/main/bench/lease/bench-server.ts";
import { NOTHING } from "/work/main/bench/lease/mechanisms.ts";
import { readFileSync } from "node:fs";
const s = await openBenchServer([NOTHING], { fsync: "off" });
const db = s.databases.get("nothing")!;
const c = await db.client();
const cpu = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1000;
const pid = (await c.query("select pg_backend_pid() p")).rows[0].p;
await c.query(`
create function cloudphoenix.s_empty() returns trigger language plpgsql as $$ begin return null; end $$;
create function cloudphoenix.first() returns bool language plpgsql as $$ begin if current_setting('cphx.w', true) = '1' then return false; end if; perform set_config('cphx.w','1',true); return true; end $$;
create function cloudphoenix.never() returns bool language plpgsql as $$ begin return false; end $$;
`);
const row = (w: string, f: string) => ["orders", "accounts"].map((t, i) => `create constraint trigger y after insert or update on public.${t} deferrable initially deferred for each row ${w} execute function cloudphoenix.${f}()`).join(";");
const D = "when (current_setting('cphx.w', true) is distinct from set_config('cphx.w', '1', true))";
const V: [string, string][] = [
 ["none", "select"],
 ["row empty", row("", "s_empty")],
 ["row check", row("", "check_lease")],
 ["WHEN builtin false", row("when (pg_is_in_recovery())", "s_empty")],
 ["WHEN getting false", row("when (current_setting('cphx.w', true) = '2')", "s_empty")],
 ["WHEN setting false", row("when (set_config('cphx.w', '1', true) = '2')", "s_empty")],
 ["WHEN never() plpgsql", row("when (cloudphoenix.never())", "s_empty")],
 ["WHEN distinct check", row(D, "check_lease")],
 ["WHEN first() check", row("when (cloudphoenix.first())", "check_lease")],
];
const res = new Map<string, number[][]>();
const put = (n: string, i: number, v: number) => { const r = res.get(n) ?? [[], [], []]; res.set(n, r); r[i]!.push(v); };
for (let r = 0; r < 12; r++) for (const [name, sql] of V) {
  await c.query("drop trigger if exists y on public.orders; drop trigger if exists y on public.accounts; truncate public.orders");
  await c.query(sql);
  const go = () => c.query({ name: "i", text: "insert into public.orders (customer, note) values ($1,$2)", values: ["a", "b"] });
  const four = async () => { await c.query("begin"); for (let i = 0; i < 4; i++) await c.query({ name: "u", text: "update public.accounts set abalance = abalance + 1 where aid = $1", values: [1 + Math.floor(Math.random() * 100000)] }); await c.query("commit"); };
  for (let i = 0; i < 20; i++) { await go(); await four(); }
  for (let k = 0; k < 4; k++) { let a = cpu(pid); for (let i = 0; i < 250; i++) await go(); put(name, 0, (cpu(pid) - a) / 250);
  a = cpu(pid); for (let i = 0; i < 60; i++) await four(); put(name, 1, (cpu(pid) - a) / 60); }
  let a = cpu(pid); await c.query("insert into public.orders (customer, note) select 'a','b' from generate_series(1,30000)"); put(name, 2, (cpu(pid) - a) / 30000);
}
for (const [n, l] of res) console.log(n.padEnd(24), ...l.map((x) => { x.sort((a, b) => a - b); return x[Math.floor(x.length * 0.1)]!.toFixed(1) + " / " + x[Math.floor(x.length / 2)]!.toFixed(1) + "   "; }));
await c.end(); await s.close();
