/**
 * Orders in PostgreSQL.
 *
 * 1. One idempotency key makes at most one order, however many requests carry it at once.
 * 2. An order is acknowledged only when it is as safe as the site's durability asks; that holds
 *    for a replay as much as for the first request, so a retry after "unknown" is never a lie.
 * 3. Placing is one statement and so one round trip and one transaction; `barrier` adds a second
 *    round trip for the log position.
 * 4. The time in which the site may write without asking comes with the same answer. An answer that
 *    took longer is not passed on: while it stood still, another site may have become the writer.
 */
import {
  type Connection,
  type Database,
  ERROR_KINDS,
  PendingWrite,
  ServiceError,
  type Statement,
  type UseOptions,
} from "@cloudphoenix/chassis";
import { confirmedBySync, passed, positionToPass } from "./durable-commit.ts";
import type { DurabilityBarrier } from "./durability-barrier.ts";
import { requestHash, type Order, type OrderDraft, type OrderWithReceipt } from "./order.ts";
import { columnsOf, orderOf, type OrderRow } from "./order-row.ts";
import { type PlacementRow, placeStatements } from "./place-statement.ts";
import { ORDER_WITH_RECEIPT, orderWithReceiptOf, type OrderWithReceiptRow } from "./read-order.ts";
import { levelAbove, levelBelow, type SchemaLevel } from "./schema-level.ts";

/** An acknowledged order and who acknowledged it. */
export interface Placement {
  readonly order: Order;
  /** The key had been used before: this is the order made then. */
  readonly replayed: boolean;
  readonly site: string;
  /** Writer epoch of the site at the commit; 0 without CloudPhoenix. */
  readonly generation: number;
}

/** How orders are stored here. */
export interface OrderStoreOptions {
  /** The name to give when the database does not say one. */
  readonly ownSite: string;
  /** Whether every order gets a receipt. */
  readonly receipts: boolean;
}

export class OrderStore {
  readonly #database: Database;
  readonly #barrier: DurabilityBarrier;
  readonly #ownSite: string;
  readonly #statements: ReturnType<typeof placeStatements>;
  #level: SchemaLevel = "leased";

  constructor(database: Database, barrier: DurabilityBarrier, options: OrderStoreOptions) {
    this.#database = database;
    this.#barrier = barrier;
    this.#ownSite = options.ownSite;
    this.#statements = placeStatements(options.receipts);
  }

  /**
   * Makes the order, or finds the one this key has made before.
   * @throws {ServiceError} `IDEMPOTENCY_MISMATCH` if the key belongs to a different draft,
   *   `READ_ONLY` if the site takes no writes, `DURABILITY_UNKNOWN` if it is stored but not safe,
   *   `WRITE_UNCERTAIN` if the answer came too late to be sure of, `SATURATED`,
   *   `DATABASE_UNAVAILABLE`, `DATABASE_TIMEOUT`
   */
  async place(key: string, draft: OrderDraft, options: UseOptions = {}): Promise<Placement> {
    const { placement, position } = await this.#database.withConnection(async (connection) => {
      const row = await this.#commit(connection, key, draft);
      if (row.request_hash !== requestHash(draft)) throw mismatch();
      const order = isComplete(row) ? orderOf(row) : await placedBefore(connection, row.order_id);
      return {
        placement: {
          order,
          replayed: row.replayed,
          site: row.site ?? this.#ownSite,
          generation: Number(row.generation ?? 0),
        },
        position: await positionToPass(connection, row.durability),
      };
    }, options);
    await passed(this.#barrier, position, options.deadline);
    return placement;
  }

  /** The order with this id, or null. */
  findById(id: string, options: UseOptions = {}): Promise<OrderWithReceipt | null> {
    return this.#find({ name: "order-by-id", text: BY_ID, values: [id] }, options);
  }

  /** The order this idempotency key has made, or null. */
  findByKey(key: string, options: UseOptions = {}): Promise<OrderWithReceipt | null> {
    return this.#find({ name: "order-by-key", text: BY_KEY, values: [key] }, options);
  }

  async #find(statement: Statement, options: UseOptions): Promise<OrderWithReceipt | null> {
    const [row] = await this.#database.lookup<OrderWithReceiptRow>(statement, options);
    return row === undefined ? null : orderWithReceiptOf(row);
  }

  /** Returns after the commit; says so if a synchronous standby has not confirmed it. */
  async #commit(connection: Connection, key: string, draft: OrderDraft): Promise<PlacementRow> {
    const values = [
      key,
      requestHash(draft),
      draft.customer,
      JSON.stringify(draft.items),
      draft.note ?? null,
    ];
    let ours = false;
    for (;;) {
      const row = await this.#commitAt(connection, values);
      if (row === null) continue;
      if (!row.outgrown) return { ...row, replayed: row.replayed && !ours };
      // There is more after all. The same key again is a replay that reads it: not of an earlier
      // request, but of ours.
      ours ||= !row.replayed;
      this.#level = levelAbove(this.#level);
    }
  }

  /**
   * Runs the placing statement of the level.
   * @returns null if the database has less than expected and another statement has to be tried
   */
  async #commitAt(
    connection: Connection,
    values: readonly unknown[],
  ): Promise<PlacementRow | null> {
    const pending = new PendingWrite();
    // Other requests change the level while this one waits.
    const level = this.#level;
    try {
      const [row] = await confirmedBySync(connection, () =>
        connection.query<PlacementRow>({ ...this.#statements[level], values }),
      );
      if (row === undefined) throw new Error("placing an order returned no row");
      pending.leaseSaid(row.lease_ms);
      pending.confirm();
      return row;
    } catch (error) {
      const below = levelBelow(level, error);
      if (below === null) throw error;
      this.#level = below;
      return null;
    }
  }
}

const BY_ID = `${ORDER_WITH_RECEIPT} where o.id = $1`;
const BY_KEY = `${ORDER_WITH_RECEIPT} join public.idempotency_keys k on k.order_id = o.id
                where k.key = $1`;
const PLACED_BEFORE = `select ${columnsOf("o")} from public.orders o where o.id = $1`;

async function placedBefore(connection: Pick<Connection, "query">, id: string): Promise<Order> {
  const [row] = await connection.query<OrderRow>({
    name: "order-placed-before",
    text: PLACED_BEFORE,
    values: [id],
  });
  // The foreign key of the idempotency table makes this impossible.
  if (row === undefined) throw new Error(`order ${id} is missing though its key is stored`);
  return orderOf(row);
}

function mismatch(): ServiceError {
  return new ServiceError(ERROR_KINDS.IDEMPOTENCY_MISMATCH, "Use a new key for a different order.");
}

function isComplete(row: PlacementRow): row is PlacementRow & OrderRow {
  return row.id !== null;
}
