import type { AuditLog } from "@cloudphoenix/engine";
import type { StateConnection } from "./state-connection.ts";
import { storedJson, storedText } from "./stored-json.ts";

/** Who did what, in a table whose trigger refuses changes and deletions. */
export class PostgresAuditLog implements AuditLog {
  readonly #state: StateConnection;

  constructor(state: StateConnection) {
    this.#state = state;
  }

  async append(entry: Parameters<AuditLog["append"]>[0]): Promise<void> {
    await this.#state.query(
      `insert into cloudphoenix.audit (at_ms, who, what, why, detail)
       values ($1, $2, $3, $4, $5)`,
      [
        entry.atMs,
        storedText(entry.who),
        storedText(entry.what),
        storedText(entry.why),
        storedJson(entry.detail),
      ],
    );
  }
}
