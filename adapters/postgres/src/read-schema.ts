/**
 * Reads the application's schema from the catalog, as statements that would make it again.
 *
 * `pg_dump` is not used: it must match the server's version, needs a program on this host, and
 * prints one text, while here each object is compared on its own. What is read: schemas,
 * extensions, enum, domain and composite types, sequences, functions and procedures, tables with
 * defaults, identity and generated columns, constraints, indexes, views, triggers, statistics.
 * What is not copied on purpose: comments, default privileges, storage details.
 */
import {
  FROM_APPLICATION_TABLES,
  isApplicationSchema,
  isOutsideExtensions,
} from "./application-objects.ts";
import { OWN_TRIGGERS } from "./object-names.ts";
import { OBJECT_KINDS, type ObjectKind, type SchemaObject } from "./schema-object.ts";
import type { SiteConnection } from "./site-connections.ts";

interface CatalogRow {
  readonly name: string;
  readonly statement: string;
  readonly aspects: Readonly<Record<string, string>> | null;
  readonly owner: string | null;
  readonly owned_as: string | null;
}

const NOT_OUR_TRIGGER = `t.tgname <> all (array['${OWN_TRIGGERS.join("', '")}'])`;

/** Most objects are equal if the statements that make them are. */
const WHOLE = "definition";

/**
 * Every object, in an order in which most can be made. All queries see one state.
 * Statements hold qualified names, because the session's search path is empty.
 */
export async function readSchema(connection: SiteConnection): Promise<readonly SchemaObject[]> {
  return connection.transaction(async () => {
    const objects: SchemaObject[] = [];
    for (const kind of OBJECT_KINDS) {
      const rows = await connection.query<CatalogRow>(QUERIES[kind]);
      for (const row of rows) objects.push(objectOf(kind, row));
    }
    return objects;
  }, "begin isolation level repeatable read read only");
}

function objectOf(kind: ObjectKind, row: CatalogRow): SchemaObject {
  return {
    kind,
    name: row.name,
    statement: row.statement,
    aspects: row.aspects ?? { [WHOLE]: row.statement },
    owner: row.owner,
    ownedAs: row.owned_as,
  };
}

const NOT_OWNED = "null as owner, null as owned_as";

/** ` collate x` where a column or domain does not use the default of its type. */
function collation(own: string, usual: string): string {
  return `case when ${own} <> 0 and ${own} <> ${usual} then
    (select format(' collate %I.%I', cn.nspname, co.collname) from pg_collation co
      join pg_namespace cn on cn.oid = co.collnamespace where co.oid = ${own}) else '' end`;
}

/** Options of a sequence, as both `create sequence` and identity columns take them. */
const SEQUENCE_OPTIONS = `format('increment by %s minvalue %s maxvalue %s start with %s cache %s%s',
  s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
  case when s.seqcycle then ' cycle' else '' end)`;

/** The sequence behind an identity column keeps its name, so that samples of it fit both sites. */
const IDENTITY = `(select format(' generated %s as identity (sequence name %I.%I %s)',
    case a.attidentity when 'a' then 'always' else 'by default' end,
    sn.nspname, sc.relname, ${SEQUENCE_OPTIONS})
  from pg_depend d join pg_class sc on sc.oid = d.objid join pg_namespace sn on sn.oid = sc.relnamespace
    join pg_sequence s on s.seqrelid = sc.oid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
    and d.deptype = 'i' and d.refobjid = a.attrelid and d.refobjsubid = a.attnum)`;

const COLUMN = `format_type(a.atttypid, a.atttypmod) || ${collation("a.attcollation", "ty.typcollation")}
  || case when a.attidentity <> '' then ${IDENTITY}
      when a.attgenerated <> '' then format(' generated always as (%s) %s',
        pg_get_expr(ad.adbin, ad.adrelid),
        case a.attgenerated when 's' then 'stored' else 'virtual' end)
      when ad.adbin is not null then ' default ' || pg_get_expr(ad.adbin, ad.adrelid)
      else '' end
  || case when a.attnotnull then ' not null' else '' end`;

const FROM_COLUMNS = `from pg_attribute a join pg_type ty on ty.oid = a.atttypid
  left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

function constraints(kind: ObjectKind, types: string): string {
  return `select format('%I.%I.%I', n.nspname, c.relname, co.conname) as name, '${kind}' as kind,
      format('alter table %I.%I add constraint %I %s', n.nspname, c.relname, co.conname,
        pg_get_constraintdef(co.oid)) as statement, null as aspects, ${NOT_OWNED}
    from pg_constraint co join pg_class c on c.oid = co.conrelid
      join pg_namespace n on n.oid = c.relnamespace
    where co.contype in (${types}) and co.conparentid = 0 and c.relkind = 'r'
      and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}
    order by co.oid`;
}

const TYPES = `select format('%I.%I', n.nspname, t.typname) as name,
    case t.typtype
      when 'e' then format('create type %I.%I as enum (%s)', n.nspname, t.typname,
        (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
          from pg_enum e where e.enumtypid = t.oid))
      when 'd' then format('create domain %I.%I as %s', n.nspname, t.typname,
        format_type(t.typbasetype, t.typtypmod)
        || ${collation("t.typcollation", "b.typcollation")}
        || coalesce(' default ' || t.typdefault, '')
        || case when t.typnotnull then ' not null' else '' end
        || coalesce((select string_agg(format(' constraint %I %s', co.conname,
            pg_get_constraintdef(co.oid)), '' order by co.conname)
          from pg_constraint co where co.contypid = t.oid and co.contype = 'c'), ''))
      else format('create type %I.%I as (%s)', n.nspname, t.typname,
        (select string_agg(format('%I ', a.attname) || format_type(a.atttypid, a.atttypmod), ', '
            order by a.attnum)
          from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0
            and not a.attisdropped))
    end as statement, null as aspects, pg_get_userbyid(t.typowner) as owner,
    format('type %I.%I', n.nspname, t.typname) as owned_as
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid left join pg_type b on b.oid = t.typbasetype
  where (t.typtype in ('e', 'd') or (t.typtype = 'c' and c.relkind = 'c'))
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_type", "t.oid")}
  order by t.oid`;

const SEQUENCES = `select format('%I.%I', n.nspname, c.relname) as name,
    format('create sequence %I.%I as %s %s', n.nspname, c.relname, format_type(s.seqtypid, null),
      ${SEQUENCE_OPTIONS}) as statement, null as aspects,
    case when o.objid is null then pg_get_userbyid(c.relowner) end as owner,
    case when o.objid is null then format('sequence %I.%I', n.nspname, c.relname) end as owned_as
  from pg_sequence s join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend o on o.classid = 'pg_class'::regclass and o.objid = c.oid
      and o.refclassid = 'pg_class'::regclass and o.deptype in ('a', 'i')
  where c.relpersistence <> 't' and o.deptype is distinct from 'i'
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}
  order by c.oid`;

const FUNCTIONS = `select format('%I.%I(%s)', n.nspname, p.proname,
      pg_get_function_identity_arguments(p.oid)) as name,
    pg_get_functiondef(p.oid) as statement, null as aspects, pg_get_userbyid(p.proowner) as owner,
    format('routine %I.%I(%s)', n.nspname, p.proname,
      pg_get_function_identity_arguments(p.oid)) as owned_as
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
  where p.prokind <> 'a' and (l.lanpltrusted or l.lanname = 'sql')
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_proc", "p.oid")}
  order by p.oid`;

const TABLES = `select format('%I.%I', n.nspname, c.relname) as name,
    format('create table %I.%I (%s)%s', n.nspname, c.relname,
      (select string_agg(format('%I ', a.attname) || ${COLUMN}, ', ' order by a.attnum)
        ${FROM_COLUMNS}),
      case when c.reloptions is null then '' else
        format(' with (%s)', array_to_string(c.reloptions, ', ')) end) as statement,
    (select jsonb_object_agg('column ' || a.attname, ${COLUMN}) ${FROM_COLUMNS}) as aspects,
    pg_get_userbyid(c.relowner) as owner,
    format('table %I.%I', n.nspname, c.relname) as owned_as
  ${FROM_APPLICATION_TABLES} and c.relkind = 'r' order by c.oid`;

const INDEXES = `select format('%I.%I', n.nspname, i.relname) as name,
    pg_get_indexdef(x.indexrelid) as statement, null as aspects, ${NOT_OWNED}
  from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
    join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't' and x.indisvalid
    and not exists (select from pg_constraint co
      where co.conindid = x.indexrelid and co.contype in ('p', 'u', 'x'))
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}
  order by i.oid`;

const VIEWS = `select format('%I.%I', n.nspname, c.relname) as name,
    format('create view %I.%I%s as %s', n.nspname, c.relname,
      case when c.reloptions is null then '' else
        format(' with (%s)', array_to_string(c.reloptions, ', ')) end,
      pg_get_viewdef(c.oid)) as statement, null as aspects,
    pg_get_userbyid(c.relowner) as owner, format('view %I.%I', n.nspname, c.relname) as owned_as
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'v' and c.relpersistence <> 't'
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}
  order by c.oid`;

const TRIGGERS = `select format('%I.%I.%I', n.nspname, c.relname, t.tgname) as name,
    pg_get_triggerdef(t.oid) as statement, null as aspects, ${NOT_OWNED}
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and ${NOT_OUR_TRIGGER} and t.tgparentid = 0
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}
  order by t.oid`;

const STATISTICS = `select format('%I.%I', n.nspname, s.stxname) as name,
    pg_get_statisticsobjdef(s.oid) as statement, null as aspects,
    pg_get_userbyid(s.stxowner) as owner,
    format('statistics %I.%I', n.nspname, s.stxname) as owned_as
  from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
  where ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_statistic_ext", "s.oid")}
  order by s.oid`;

/** What belongs to other objects and is set once they exist. */
const SETTINGS = `select format('%I.%I', n.nspname, c.relname) || ' replica identity' as name,
    format('alter table %I.%I replica identity %s', n.nspname, c.relname,
      case c.relreplident when 'f' then 'full' when 'n' then 'nothing' else
        format('using index %I', (select i.relname from pg_index x
          join pg_class i on i.oid = x.indexrelid
          where x.indrelid = c.oid and x.indisreplident)) end) as statement,
    null::jsonb as aspects, ${NOT_OWNED}
  ${FROM_APPLICATION_TABLES} and c.relkind = 'r' and (c.relreplident in ('f', 'n')
    or (c.relreplident = 'i' and exists (select from pg_index x
      where x.indrelid = c.oid and x.indisreplident)))
  union all
  select format('%I.%I', n.nspname, sc.relname) || ' owner',
    format('alter sequence %I.%I owned by %I.%I.%I', sn.nspname, sc.relname, n.nspname, c.relname,
      a.attname), null::jsonb, null, null
  from pg_depend d join pg_class sc on sc.oid = d.objid and sc.relkind = 'S'
    join pg_namespace sn on sn.oid = sc.relnamespace
    join pg_class c on c.oid = d.refobjid join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
    and d.deptype = 'a' and c.relpersistence <> 't' and ${isApplicationSchema("n")}
    and ${isOutsideExtensions("pg_class", "sc.oid")}
  union all
  select format('%I.%I.%I', n.nspname, c.relname, t.tgname) || ' firing',
    format('alter table %I.%I %s trigger %I', n.nspname, c.relname,
      case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica'
        else 'enable always' end, t.tgname), null::jsonb, null, null
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and ${NOT_OUR_TRIGGER} and t.tgenabled <> 'O'
    and ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_class", "c.oid")}`;

/** `plpgsql` is in every database. Versions may differ between clouds, so only names count. */
const EXTENSIONS = `select e.extname as name,
    format('create extension if not exists %I schema %I', e.extname, n.nspname) as statement,
    jsonb_build_object('presence', 'installed') as aspects, ${NOT_OWNED}
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  where e.extname <> 'plpgsql' order by e.oid`;

const SCHEMAS = `select format('%I', n.nspname) as name,
    format('create schema if not exists %I', n.nspname) as statement,
    null as aspects,
    case when n.nspname <> 'public' then pg_get_userbyid(n.nspowner) end as owner,
    case when n.nspname <> 'public' then format('schema %I', n.nspname) end as owned_as
  from pg_namespace n
  where ${isApplicationSchema("n")} and ${isOutsideExtensions("pg_namespace", "n.oid")}
  order by n.oid`;

const QUERIES: Readonly<Record<ObjectKind, string>> = {
  schema: SCHEMAS,
  extension: EXTENSIONS,
  type: TYPES,
  sequence: SEQUENCES,
  function: FUNCTIONS,
  table: TABLES,
  constraint: constraints("constraint", "'c', 'p', 'u', 'x'"),
  index: INDEXES,
  "foreign key": constraints("foreign key", "'f'"),
  view: VIEWS,
  trigger: TRIGGERS,
  statistics: STATISTICS,
  setting: SETTINGS,
};
