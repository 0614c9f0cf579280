import type { Json } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";
import type { StateConnection } from "./state-connection.ts";
import { storedJson, storedText } from "./stored-json.ts";

/** Facts by key; the newest value wins. A key never put reads as null. */
export class PostgresFactStore implements FactStore {
  readonly #state: StateConnection;

  constructor(state: StateConnection) {
    this.#state = state;
  }

  async put(key: string, value: Json): Promise<void> {
    await this.#state.query(
      `insert into cloudphoenix.fact (key, value) values ($1, $2)
       on conflict (key) do update set value = excluded.value, updated_at = now()`,
      [storedText(key), storedJson(value)],
    );
  }

  async get(key: string): Promise<Json> {
    const rows = await this.#state.query<{ readonly value: Json }>(
      "select value from cloudphoenix.fact where key = $1",
      [storedText(key)],
    );
    return rows[0]?.value ?? null;
  }
}
