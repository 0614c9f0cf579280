import { COPIED_MAX, type CopiedObject, type CopiedVersions } from "@cloudphoenix/objects";
import type { StateConnection } from "../state/state-connection.ts";

interface CopiedRow {
  readonly name: string;
  readonly etag: string;
  readonly modified_s: string;
  readonly in_parts: boolean;
}

/** What is known to have been copied of one application, in the state database: it outlives every worker. */
export class PostgresCopiedVersions implements CopiedVersions {
  readonly #state: StateConnection;
  readonly #application: string;

  constructor(state: StateConnection, application: string) {
    this.#state = state;
    this.#application = application;
  }

  async note(site: string, versions: readonly CopiedObject[], atMs: number): Promise<void> {
    await this.#state.query(
      `insert into cloudphoenix.object_copied as c
         (application, site, name, etag, modified_s, in_parts, noted_ms)
       select $1, $2, name, etag, modified_s, in_parts, $7
       from unnest($3::text[], $4::text[], $5::bigint[], $6::boolean[])
         as given (name, etag, modified_s, in_parts)
       order by name
       on conflict (application, site, name) do update
         set etag = excluded.etag, modified_s = excluded.modified_s,
           in_parts = excluded.in_parts, noted_ms = excluded.noted_ms
         where c.noted_ms <= excluded.noted_ms`,
      [
        this.#application,
        site,
        versions.map(({ name }) => name),
        versions.map(({ etag }) => etag),
        versions.map(({ modifiedS }) => modifiedS),
        versions.map(({ inParts }) => inParts),
        Math.round(atMs),
      ],
    );
  }

  async forget(site: string, names: readonly string[]): Promise<void> {
    await this.#state.query(
      `delete from cloudphoenix.object_copied
       where application = $1 and site = $2 and name = any($3)`,
      [this.#application, site, names],
    );
  }

  async of(site: string): Promise<readonly CopiedObject[]> {
    const rows = await this.#state.query<CopiedRow>(
      `select name, etag, modified_s, in_parts from cloudphoenix.object_copied
       where application = $1 and site = $2 order by noted_ms desc limit $3`,
      [this.#application, site, COPIED_MAX],
    );
    return rows.map(({ name, etag, modified_s: modifiedS, in_parts: inParts }) => ({
      name,
      etag,
      modifiedS: Number(modifiedS),
      inParts,
    }));
  }

  async tidy(site: string, beforeMs: number): Promise<void> {
    await this.#state.query(
      `delete from cloudphoenix.object_copied where application = $1 and site = $2
       and ((noted_ms < $3::float8 and not in_parts) or noted_ms < (
         select noted_ms from cloudphoenix.object_copied where application = $1 and site = $2
         order by noted_ms desc offset $4 limit 1))`,
      [this.#application, site, beforeMs, COPIED_MAX],
    );
  }
}
