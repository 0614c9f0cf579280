/**
 * The one database session a controller holds its leadership with.
 *
 * The advisory lock is the truth: at most one session has it, and it is gone as soon as the session
 * is. The row beside it says since when nobody has heard of the holder, because a frozen process
 * keeps its session, and the lock, for ever.
 */
import { Client } from "pg";
import { ADVISORY_LOCKS } from "../state/advisory-locks.ts";

/** Age of the last sign of life, by the clock of the database, after which a leader is ended. */
const STALE_AFTER = "3 s";

export class LeaderSession {
  readonly #client: Client;
  #ended = false;

  private constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Opens a session that the server gives up within about nine seconds if our host vanishes.
   * `onEnd` is called once if the session ends by itself.
   */
  static async open(url: string, onEnd: () => void): Promise<LeaderSession> {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      keepAlive: true,
      application_name: "cloudphoenix-leader",
    });
    const session = new LeaderSession(client);
    const ended = (): void => {
      if (session.#ended) return;
      session.#ended = true;
      onEnd();
    };
    client.on("error", ended);
    client.on("end", ended);
    try {
      await client.connect();
      await client.query(
        "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 2",
      );
    } catch (error) {
      // Nobody else knows of it: left open, every try at a stalled server would cost a session.
      await session.close();
      throw error;
    }
    return session;
  }

  async tryLock(): Promise<boolean> {
    const { rows } = await this.#client.query<{ locked: boolean }>(
      "select pg_try_advisory_lock($1) as locked",
      [ADVISORY_LOCKS.leader],
    );
    return rows[0]?.locked === true;
  }

  /** Writes this session into the row as the new leader and returns its epoch. */
  async takeOver(holder: string): Promise<number> {
    const { rows } = await this.#client.query<{ epoch: string }>(
      `insert into cloudphoenix.leader as l (id, holder, backend_pid, epoch, beat_at)
       values (1, $1, pg_backend_pid(), 1, clock_timestamp())
       on conflict (id) do update set holder = excluded.holder, epoch = l.epoch + 1,
         backend_pid = excluded.backend_pid, beat_at = excluded.beat_at
       returning epoch`,
      [holder],
    );
    return Number(rows[0]?.epoch);
  }

  /** Says that we live. False if the row is another's by now. */
  async beat(epoch: number): Promise<boolean> {
    const { rowCount } = await this.#client.query(
      `update cloudphoenix.leader set beat_at = clock_timestamp()
       where backend_pid = pg_backend_pid() and epoch = $1`,
      [epoch],
    );
    return rowCount === 1;
  }

  /**
   * Ends the session that holds the lock if it gave no sign of life for three seconds. The victim
   * is looked up among the holders of the lock, so a recycled pid in the row harms nobody; its
   * last state change counts too, because a new leader has the lock before it has the row.
   */
  async endStaleLeader(): Promise<boolean> {
    const { rows } = await this.#client.query<{ ended: boolean }>(
      `select pg_terminate_backend(a.pid) as ended
       from pg_locks k
       join pg_stat_activity a on a.pid = k.pid
       left join cloudphoenix.leader l on l.backend_pid = k.pid
       where k.locktype = 'advisory' and k.granted and k.database = a.datid
         and a.datname = current_database()
         and (k.classid::bigint << 32) + k.objid::bigint = $1
         and greatest(l.beat_at, a.state_change) < clock_timestamp() - interval '${STALE_AFTER}'`,
      [ADVISORY_LOCKS.leader],
    );
    return rows.some((row) => row.ended);
  }

  /** Ends the session, and with it the lock. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#client.end().catch(() => undefined);
  }
}
