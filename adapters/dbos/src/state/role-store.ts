import { CloudPhoenixError, type Roles, type SiteId } from "@cloudphoenix/core";
import type { RoleStore } from "@cloudphoenix/engine";
import type { StateConnection } from "./state-connection.ts";
import { storedText } from "./stored-json.ts";

interface RoleRow {
  readonly generation: string;
  readonly active: string;
  readonly claimed_by: string | null;
  readonly protected: boolean;
}

const COLUMNS = "generation, active, claimed_by, protected";

/** The roles of one application in one row; every change compares the generation and swaps. */
export class PostgresRoleStore implements RoleStore {
  readonly #state: StateConnection;
  readonly #application: string;

  constructor(state: StateConnection, application: string) {
    this.#state = state;
    this.#application = application;
  }

  /** Records where the application starts its life. Does nothing if that is known already. */
  async initialise(roles: Roles): Promise<void> {
    await this.#state.query(
      `insert into cloudphoenix.role (application, ${COLUMNS})
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [this.#application, roles.generation, roles.active, roles.claimedBy, roles.protected],
    );
  }

  async read(): Promise<Roles> {
    return this.#one(
      await this.#state.query(`select ${COLUMNS} from cloudphoenix.role where application = $1`, [
        this.#application,
      ]),
    );
  }

  async claim(runId: string, generation: number, active: SiteId): Promise<Roles> {
    const claimed = await this.#state.query<RoleRow>(
      `update cloudphoenix.role set generation = $3, claimed_by = $2, updated_at = now()
       where application = $1
         and ((generation = $3 - 1 and active = $4) or (generation = $3 and claimed_by = $2))
       returning ${COLUMNS}`,
      [this.#application, storedText(runId), generation, active],
    );
    return claimed.length > 0 ? this.#one(claimed) : this.#refuse(generation, active);
  }

  async settle(
    generation: number,
    outcome: { readonly active: string; readonly protected: boolean },
  ): Promise<Roles> {
    const settled = await this.#state.query<RoleRow>(
      `update cloudphoenix.role set active = $3, protected = $4, updated_at = now()
       where application = $1 and generation = $2 returning ${COLUMNS}`,
      [this.#application, generation, outcome.active, outcome.protected],
    );
    return settled.length > 0 ? this.#one(settled) : this.#refuse(generation);
  }

  /** `believed`: the site that was taken to be active, if that mattered. */
  async #refuse(asked: number, believed?: SiteId): Promise<never> {
    const { generation, claimedBy, active } = await this.read();
    const premise = believed === undefined ? "" : ` while ${believed} was active`;
    throw new CloudPhoenixError(
      "STALE_GENERATION",
      `generation ${asked} was asked for${premise}; the application is at ${generation}, ` +
        `claimed by ${claimedBy ?? "nobody"}, and ${active} is active`,
      { retryable: false, hint: "Look at the newest run; this one is out of date." },
    );
  }

  #one(rows: readonly RoleRow[]): Roles {
    const row = rows[0];
    if (row === undefined) {
      throw new CloudPhoenixError("NOT_FOUND", `no roles are known of ${this.#application}`, {
        retryable: false,
        hint: "Start the controller with the configuration of this application.",
      });
    }
    return {
      generation: Number(row.generation),
      active: row.active,
      claimedBy: row.claimed_by,
      protected: row.protected,
    };
  }
}
