/**
 * Sequences across a failover. PostgreSQL (18) does not replicate them, so the active site's last
 * values are sampled into a replicated table, and a new primary starts past everything known.
 */
import { isApplicationSchema } from "./application-objects.ts";
import { SCHEMA } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

/** Where one sequence stands, and every hint on how far the other site got. */
export interface SequenceFacts {
  readonly name: string;
  readonly incrementBy: bigint;
  readonly minValue: bigint;
  readonly maxValue: bigint;
  readonly startValue: bigint;
  /** Here; null if never used. */
  readonly lastValue: bigint | null;
  /** Newest sample from the old primary; null if none. */
  readonly sampled: bigint | null;
  /** The furthest key in a column that takes its values from this sequence; null if none. */
  readonly furthestKey: bigint | null;
}

/**
 * Samples every sequence at the active site into the replicated table and returns what it found.
 * Writes only what has changed, so an idle application costs no log.
 */
export async function sampleSequences(
  connection: SiteConnection,
): Promise<ReadonlyMap<string, bigint>> {
  const rows = await connection.query<{ readonly name: string; readonly last: string }>(
    `with found as materialized (
       select format('%I.%I', q.schemaname, q.sequencename) as name, q.last_value, q.increment_by
       from pg_sequences q join pg_namespace n on n.nspname = q.schemaname
       where q.last_value is not null and ${isApplicationSchema("n")}),
     stored as (
       insert into ${SCHEMA}.sequence_sample as s (sequence, last_value, increment_by)
       select name, last_value, increment_by from found
       on conflict (sequence) do update
         set last_value = excluded.last_value, increment_by = excluded.increment_by
         where (s.last_value, s.increment_by) is distinct from
           (excluded.last_value, excluded.increment_by))
     select name, last_value::text as last from found`,
  );
  return new Map(rows.map((row) => [row.name, BigInt(row.last)]));
}

/** Everything known here about every sequence. Reads one key per column fed by a sequence. */
export async function readSequences(connection: SiteConnection): Promise<readonly SequenceFacts[]> {
  const rows = await connection.query<SequenceRow>(SEQUENCES);
  const facts: SequenceFacts[] = [];
  for (const row of rows) {
    const ascending = !row.increment_by.startsWith("-");
    let furthestKey: bigint | null = null;
    for (const column of row.columns) {
      const { key } = await connection.one<{ readonly key: string | null }>(
        `select ${ascending ? "max" : "min"}(${column.column})::text as key from ${column.table}`,
      );
      furthestKey = furthest(ascending, furthestKey, key === null ? null : BigInt(key));
    }
    facts.push({
      name: row.name,
      incrementBy: BigInt(row.increment_by),
      minValue: BigInt(row.min_value),
      maxValue: BigInt(row.max_value),
      startValue: BigInt(row.start_value),
      lastValue: row.last_value === null ? null : BigInt(row.last_value),
      sampled: row.sampled === null ? null : BigInt(row.sampled),
      furthestKey,
    });
  }
  return facts;
}

/**
 * The value after which a new primary may hand out the next: the furthest of all hints plus
 * `headroom` steps, because the old primary may have gone on after the last sample. Near the end
 * of its range a sequence gets what room is left: fewer free steps are better than none.
 */
export function advancedValue(
  facts: SequenceFacts,
  remembered: bigint | null,
  headroom: bigint,
): bigint {
  const ascending = facts.incrementBy > 0n;
  const hints = [facts.lastValue, facts.sampled, facts.furthestKey, remembered];
  const unused = facts.startValue - facts.incrementBy;
  const base = hints.reduce<bigint>((a, hint) => furthest(ascending, a, hint) ?? a, unused);
  const wanted = base + headroom * facts.incrementBy;
  const inside = wanted > facts.maxValue ? facts.maxValue : wanted;
  return inside < facts.minValue ? facts.minValue : inside;
}

/** Moves each sequence to its value unless it is there or past it. Idempotent. */
export async function advanceSequences(
  connection: SiteConnection,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  await connection.query(
    `select setval(format('%I.%I', q.schemaname, q.sequencename)::regclass, v.value::bigint)
     from jsonb_each_text($1::jsonb) as v(name, value)
       join pg_sequences q on format('%I.%I', q.schemaname, q.sequencename) = v.name
     where q.last_value is null
       or (v.value::bigint - q.last_value) * sign(q.increment_by) > 0`,
    [JSON.stringify(values)],
  );
}

function furthest(ascending: boolean, a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a > b === ascending ? a : b;
}

interface SequenceRow {
  readonly name: string;
  readonly increment_by: string;
  readonly min_value: string;
  readonly max_value: string;
  readonly start_value: string;
  readonly last_value: string | null;
  readonly sampled: string | null;
  /** Integer columns fed by the sequence: owning it, or with a default that names it. */
  readonly columns: readonly { readonly table: string; readonly column: string }[];
}

const SEQUENCES = `
  with fed as (
    select d.objid as sequence, d.refobjid as rel, d.refobjsubid as att from pg_depend d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0
    union
    select d.refobjid, f.adrelid, f.adnum from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
      and d.deptype = 'n')
  select format('%I.%I', q.schemaname, q.sequencename) as name, q.increment_by::text,
    q.min_value::text, q.max_value::text, q.start_value::text, q.last_value::text,
    (select s.last_value::text from ${SCHEMA}.sequence_sample s
      where s.sequence = format('%I.%I', q.schemaname, q.sequencename)) as sampled,
    coalesce((select jsonb_agg(jsonb_build_object(
        'table', format('%I.%I', tn.nspname, t.relname), 'column', format('%I', a.attname)))
      from fed join pg_class t on t.oid = fed.rel join pg_namespace tn on tn.oid = t.relnamespace
        join pg_attribute a on a.attrelid = fed.rel and a.attnum = fed.att
      where fed.sequence = c.oid and t.relkind = 'r'
        and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)), '[]') as columns
  from pg_sequences q join pg_namespace n on n.nspname = q.schemaname
    join pg_class c on c.relnamespace = n.oid and c.relname = q.sequencename and c.relkind = 'S'
  where ${isApplicationSchema("n")} order by 1`;
