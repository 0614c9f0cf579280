/** Rights of the application's role, copied from one site to the other, and those of replication. */
import { escapeIdentifier, escapeLiteral } from "pg";
import {
  FROM_APPLICATION_TABLES,
  isApplicationSchema,
  isOutsideExtensions,
} from "./application-objects.ts";
import type { SiteConnection } from "./site-connections.ts";

/** One right at one site. `grantee` is null for everybody (`public`). */
export interface Grant {
  /** As it stands after `on`, for instance `table public.orders`. */
  readonly target: string;
  /** `SELECT`, or `SELECT (id)` for a column. */
  readonly privilege: string;
  readonly everybody: boolean;
  readonly grantable: boolean;
}

/** What `role` and everybody may do with the application's objects. */
export async function readGrants(
  connection: SiteConnection,
  role: string,
): Promise<readonly Grant[]> {
  return connection.query<Grant>(GRANTS, [role]);
}

/**
 * Makes the rights of `role` and of everybody at this site equal to `grants`. Part of the caller's
 * transaction, after the objects were made: rights that default privileges gave are taken back.
 */
export async function applyGrants(
  connection: SiteConnection,
  role: string,
  grants: readonly Grant[],
): Promise<void> {
  const present = await readGrants(connection, role);
  const name = escapeIdentifier(role);
  const grantee = (grant: Grant): string => (grant.everybody ? "public" : name);
  const taken = present.map(
    (grant) => `revoke ${grant.privilege} on ${grant.target} from ${grantee(grant)}`,
  );
  const given = grants.map(
    (grant) =>
      `grant ${grant.privilege} on ${grant.target} to ${grantee(grant)}${
        grant.grantable ? " with grant option" : ""
      }`,
  );
  const statements = [...taken, ...given];
  if (statements.length > 0) await connection.query(statements.join(";\n"));
}

/** Lets the replication role copy every table of the application. Idempotent. */
export async function grantReplication(connection: SiteConnection, role: string): Promise<void> {
  const name = escapeLiteral(role);
  await connection.query(
    `do $grant$ declare one record; begin
       for one in select n.nspname, c.relname ${FROM_APPLICATION_TABLES} and c.relkind = 'r'
         and not has_table_privilege(${name}, c.oid, 'select')
       loop
         execute format('grant usage on schema %I to %I', one.nspname, ${name});
         execute format('grant select on %I.%I to %I', one.nspname, one.relname, ${name});
       end loop;
     end $grant$`,
  );
}

/** Rights of `$1` and everybody in one ACL; a null ACL means the built-in defaults. */
function rights(source: {
  readonly target: string;
  readonly acl: string;
  readonly from: string;
}): string {
  return `select ${source.target} as target, x.privilege_type as privilege, x.grantee = 0 as everybody,
      x.is_grantable as grantable
    from ${source.from} cross join lateral aclexplode(${source.acl}) x
    where (x.grantee = 0 or x.grantee = (select oid from pg_roles where rolname = $1))`;
}

const GRANTS = [
  rights({
    target: "format('schema %I', n.nspname)",
    acl: "coalesce(n.nspacl, acldefault('n', n.nspowner))",
    from: `(select * from pg_namespace n where ${isApplicationSchema("n")}
      and ${isOutsideExtensions("pg_namespace", "n.oid")} and nspname <> 'public') n`,
  }),
  // Everybody's rights on schema public belong to the database's owner; only the role's are ours.
  `${rights({
    target: "'schema public'",
    acl: "n.nspacl",
    from: "(select * from pg_namespace where nspname = 'public') n",
  })} and x.grantee <> 0`,
  rights({
    target: `format('%s %I.%I', case c.relkind when 'S' then 'sequence' else 'table' end,
      n.nspname, c.relname)`,
    acl: `coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end,
      c.relowner))`,
    from: `(select c.*, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'v', 'S') and c.relpersistence <> 't' and ${isApplicationSchema("n")}
        and ${isOutsideExtensions("pg_class", "c.oid")}) c
      join pg_namespace n on n.oid = c.relnamespace`,
  }),
  `select format('table %I.%I', n.nspname, c.relname), format('%s (%I)', x.privilege_type, a.attname),
      x.grantee = 0, x.is_grantable
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(a.attacl) x
    where c.relkind in ('r', 'v') and ${isApplicationSchema("n")}
      and ${isOutsideExtensions("pg_class", "c.oid")}
      and (x.grantee = 0 or x.grantee = (select oid from pg_roles where rolname = $1))`,
  rights({
    target: `format('routine %I.%I(%s)', n.nspname, p.proname,
      pg_get_function_identity_arguments(p.oid))`,
    acl: "coalesce(p.proacl, acldefault('f', p.proowner))",
    from: `(select p.* from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where p.prokind <> 'a' and ${isApplicationSchema("n")}
        and ${isOutsideExtensions("pg_proc", "p.oid")}) p
      join pg_namespace n on n.oid = p.pronamespace`,
  }),
].join("\nunion all\n");
