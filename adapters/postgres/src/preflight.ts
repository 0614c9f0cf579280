/**
 * Everything that would make replication between two servers incomplete or impossible, found
 * before anything is changed, and all of it at once.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import { FROM_APPLICATION_TABLES } from "./application-objects.ts";
import type { SchemaObject } from "./schema-object.ts";
import { schemaDifferences } from "./schema-object.ts";
import type { SiteConnection } from "./site-connections.ts";
import { unsupportedObjects } from "./unsupported-objects.ts";

/** Why replication cannot be set up. `rule` is stable; `object` is what to look at. */
export interface PreflightProblem {
  readonly rule: PreflightRule;
  readonly site: SiteId;
  readonly object: string;
  readonly sentence: string;
}

export type PreflightRule =
  | "server-version"
  | "wal-level"
  | "no-free-slot"
  | "no-free-worker"
  | "not-the-owner"
  | "right-missing"
  | "replica-identity"
  | "unlogged-table"
  | "foreign-subscription"
  | "large-objects"
  | "unsupported-object"
  | "extension-missing"
  | "owner-missing"
  | "role-missing"
  | "schema-asymmetric"
  | "target-not-empty"
  | "synchronous-standby-names";

/** A refusal with every problem found. The message lists them all. */
export class PreflightError extends CloudPhoenixError {
  readonly problems: readonly PreflightProblem[];

  constructor(problems: readonly PreflightProblem[]) {
    const lines = problems.map((one) => `\n  ${one.rule}: ${one.sentence}`);
    super("REPLICATION_PREFLIGHT", `replication cannot be set up:${lines.join("")}`, {
      retryable: false,
      hint: "Correct every point of the list, then set up replication again.",
    });
    this.problems = problems;
  }
}

/** One side of a pair: its session and its schema as read a moment ago. */
export interface PreflightSide {
  readonly connection: SiteConnection;
  readonly objects: readonly SchemaObject[];
}

/** `pg_create_subscription` and so a subscription without superuser exists since 16. */
const VERSION_MIN = 160_000;

/** The main worker or slot, and one to copy tables with. */
const FREE_MIN = 2;

/** What a database may not hold besides fit tables, at the site it comes from. */
export async function tableProblems(connection: SiteConnection): Promise<PreflightProblem[]> {
  return [...(await unfitTables(connection)), ...(await leftBehind(connection))];
}

/** Application tables that cannot be replicated, or that we could not close. One short look. */
export async function unfitTables(connection: SiteConnection): Promise<PreflightProblem[]> {
  const { site } = connection;
  const rows = await connection.query<TableRow>(TABLES);
  const problems: PreflightProblem[] = [];
  for (const row of rows) {
    const object = row.name;
    const add = (rule: PreflightRule, sentence: string): void => {
      problems.push({ rule, site, object, sentence });
    };
    if (row.unlogged) add("unlogged-table", `table ${object} is unlogged`);
    if (!row.identified) {
      add("replica-identity", `table ${object} has no primary key or other replica identity`);
    }
    if (row.computed) {
      const { computed } = row;
      add(
        "replica-identity",
        `updates of table ${object} would be refused once it is published: its replica identity contains the generated column ${computed}`,
      );
    }
    if (!row.owned) {
      add("not-the-owner", `${row.own_role} is not (a member of) the owner of table ${object}`);
    }
  }
  return problems;
}

/** What replication does not carry at all. */
async function leftBehind(connection: SiteConnection): Promise<PreflightProblem[]> {
  const { site } = connection;
  const problems: PreflightProblem[] = [];
  const { count } = await connection.one<{ readonly count: number }>(
    "select count(*)::int as count from pg_largeobject_metadata",
  );
  if (count > 0) {
    const sentence = `site ${site} holds ${count} large objects, which replication leaves behind`;
    problems.push({ rule: "large-objects", site, object: "large objects", sentence });
  }
  const unsupported = await unsupportedObjects(connection);
  for (const { kind, name } of unsupported) {
    const sentence = `${kind} ${name} cannot be copied or replicated`;
    problems.push({ rule: "unsupported-object", site, object: name, sentence });
  }
  return problems;
}

/** What a server must be able to do. `needsRoom`: a slot and workers will be taken. */
export async function serverProblems(
  connection: SiteConnection,
  needsRoom: boolean,
): Promise<PreflightProblem[]> {
  const { site } = connection;
  const server = await connection.one<ServerRow>(SERVER);
  const checks: readonly (readonly [boolean, PreflightRule, string, string])[] = [
    [server.version >= VERSION_MIN, "server-version", "server", `runs a version before 16`],
    [server.wal_level === "logical", "wal-level", "wal_level", `has wal_level ${server.wal_level}`],
    [server.replication, "right-missing", "REPLICATION", "does not let us use slots"],
    [server.subscribe, "right-missing", "pg_create_subscription", "does not let us subscribe"],
    [server.sees, "right-missing", "pg_read_all_stats", "does not show us all sessions"],
    [server.signals, "right-missing", "pg_signal_backend", "does not let us end sessions"],
    [server.creates, "right-missing", "create on database", "does not let us create schemas"],
    [
      !needsRoom || server.free_slots >= FREE_MIN,
      "no-free-slot",
      "max_replication_slots",
      `has ${server.free_slots} free replication slots or walsenders, ${FREE_MIN} are needed`,
    ],
    [
      !needsRoom || server.free_workers >= FREE_MIN,
      "no-free-worker",
      "max_logical_replication_workers",
      `has ${server.free_workers} free replication workers or origins, ${FREE_MIN} are needed`,
    ],
  ];
  return checks.flatMap(([passes, rule, object, trouble]) =>
    passes ? [] : [{ rule, site, object, sentence: `the server of site ${site} ${trouble}` }],
  );
}

/**
 * Whether the target can take the source's schema: it has the same already, or nothing at all and
 * the means to make it.
 */
export async function schemaProblems(
  from: PreflightSide,
  to: PreflightSide,
): Promise<PreflightProblem[]> {
  const { site } = to.connection;
  if (!hasTables(to.objects)) {
    const means = [...(await extensionProblems(from, to)), ...(await ownerProblems(from, to))];
    return [...means, ...leftOverProblems(from, to)];
  }
  const left = { site: from.connection.site, objects: from.objects };
  return schemaDifferences(left, { site, objects: to.objects }).map((sentence) => ({
    rule: "schema-asymmetric",
    site,
    object: sentence.split(":", 1)[0] ?? sentence,
    sentence,
  }));
}

/** Made without asking whether they are there, by `copy-schema.ts`. */
const MADE_OVER: ReadonlySet<SchemaObject["kind"]> = new Set(["schema", "extension", "function"]);

/** Objects of a schema whose tables were dropped: making it again would stumble over them. */
function leftOverProblems(from: PreflightSide, to: PreflightSide): PreflightProblem[] {
  const { site } = to.connection;
  const wanted = new Set(from.objects.map(({ kind, name }) => `${kind} ${name}`));
  return to.objects
    .filter(({ kind, name }) => !MADE_OVER.has(kind) && wanted.has(`${kind} ${name}`))
    .map(({ kind, name }) => ({
      rule: "target-not-empty",
      site,
      object: name,
      sentence: `${kind} ${name} is left at site ${site}, which has no tables: drop it, so that all of the schema can be made`,
    }));
}

/** Tables at the target that hold rows (copying would mix them with the source's) or are not ours. */
export async function rowProblems(connection: SiteConnection): Promise<PreflightProblem[]> {
  const { site } = connection;
  const tables = await connection.query<{ readonly name: string; readonly owned: boolean }>(
    `select format('%I.%I', n.nspname, c.relname) as name, pg_has_role(c.relowner, 'usage') as owned
     ${FROM_APPLICATION_TABLES} order by 1`,
  );
  const problems: PreflightProblem[] = [];
  for (const { name, owned } of tables) {
    if (!owned) {
      const sentence = `we are not (a member of) the owner of table ${name} at site ${site}`;
      problems.push({ rule: "not-the-owner", site, object: name, sentence });
      continue;
    }
    const { filled } = await connection.one<{ readonly filled: boolean }>(
      `select exists (select from ${name}) as filled`,
    );
    if (!filled) continue;
    const sentence = `table ${name} at site ${site} already holds rows`;
    problems.push({ rule: "target-not-empty", site, object: name, sentence });
  }
  return problems;
}

/** Roles that must exist before anything can be granted to them. */
export async function roleProblems(
  connection: SiteConnection,
  roles: readonly string[],
): Promise<PreflightProblem[]> {
  const { site } = connection;
  const missing = await connection.query<{ readonly name: string }>(
    `select w.name from unnest($1::text[]) as w(name)
     where not exists (select from pg_roles r where r.rolname = w.name)`,
    [roles],
  );
  return missing.map(({ name }) => ({
    rule: "role-missing",
    site,
    object: name,
    sentence: `role ${name} does not exist at site ${site}`,
  }));
}

/** Whether a site has any table of the application. */
export function hasTables(objects: readonly SchemaObject[]): boolean {
  return objects.some((object) => object.kind === "table");
}

async function extensionProblems(
  from: PreflightSide,
  to: PreflightSide,
): Promise<PreflightProblem[]> {
  const { site } = to.connection;
  const wanted = from.objects.filter((one) => one.kind === "extension").map((one) => one.name);
  const rows = await to.connection.query<{ readonly name: string }>(
    `select w.name from unnest($1::text[]) as w(name)
     where not exists (select from pg_extension e where e.extname = w.name)
       and not exists (select from pg_available_extension_versions v where v.name = w.name
         and (v.trusted or not v.superuser
           or (select rolsuper from pg_roles where rolname = current_user)))`,
    [wanted],
  );
  return rows.map(({ name }) => ({
    rule: "extension-missing",
    site,
    object: name,
    sentence: `extension ${name} is neither installed at site ${site} nor can we install it`,
  }));
}

async function ownerProblems(from: PreflightSide, to: PreflightSide): Promise<PreflightProblem[]> {
  const { site } = to.connection;
  const owners = [...new Set(from.objects.flatMap((object) => object.owner ?? []))];
  const rows = await to.connection.query<{ readonly name: string }>(
    `select w.name from unnest($1::text[]) as w(name)
     where not exists (select from pg_roles r
       where r.rolname = w.name and pg_has_role(r.oid, 'member'))`,
    [owners],
  );
  return rows.map(({ name }) => ({
    rule: "owner-missing",
    site,
    object: name,
    sentence: `role ${name} owns objects but does not exist at site ${site}, or we are no member`,
  }));
}

interface TableRow {
  readonly name: string;
  readonly unlogged: boolean;
  readonly identified: boolean;
  /** A generated column within the replica identity, where the server does not allow that. */
  readonly computed: string | null;
  readonly owned: boolean;
  readonly own_role: string;
}

const TABLES = `select format('%I.%I', n.nspname, c.relname) as name,
    c.relpersistence = 'u' as unlogged,
    c.relreplident = 'f'
      or (c.relreplident = 'd' and exists (select from pg_index x
        where x.indrelid = c.oid and x.indisprimary and x.indisvalid))
      or (c.relreplident = 'i' and exists (select from pg_index x
        where x.indrelid = c.oid and x.indisreplident and x.indisvalid)) as identified,
    -- PostgreSQL 18 refuses updates and deletes there; before, it let the column out in silence.
    case when current_setting('server_version_num')::int >= 180000 then (
      select min(a.attname) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> ''
        and (c.relreplident = 'f' or exists (select from pg_index x
          where x.indrelid = c.oid and a.attnum = any (x.indkey)
            and case c.relreplident when 'd' then x.indisprimary else x.indisreplident end)))
    end as computed,
    pg_has_role(c.relowner, 'usage') as owned, current_user as own_role
  ${FROM_APPLICATION_TABLES} order by 1`;

interface ServerRow {
  readonly version: number;
  readonly wal_level: string;
  readonly replication: boolean;
  readonly subscribe: boolean;
  readonly sees: boolean;
  readonly signals: boolean;
  readonly creates: boolean;
  readonly free_slots: number;
  readonly free_workers: number;
}

// `max_active_replication_origins` exists since 18; before, slots limited origins too.
const SERVER = `select current_setting('server_version_num')::int as version,
    current_setting('wal_level') as wal_level,
    (select rolsuper or rolreplication from pg_roles where rolname = current_user) as replication,
    pg_has_role('pg_create_subscription', 'usage') as subscribe,
    pg_has_role('pg_read_all_stats', 'usage') as sees,
    pg_has_role('pg_signal_backend', 'usage') as signals,
    has_database_privilege(current_database(), 'create') as creates,
    least(
      current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots),
      current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication)
    )::int as free_slots,
    least(
      current_setting('max_logical_replication_workers')::int
        - (select count(*) from pg_subscription where subenabled),
      coalesce(current_setting('max_active_replication_origins', true),
        current_setting('max_replication_slots'))::int
        - (select count(*) from pg_replication_origin)
    )::int as free_workers`;
