/**
 * The work queue in one table of the state database. ADR 8 says why it is not a queue of DBOS.
 *
 * 1. A task is claimed with `for update skip locked`: workers never wait for each other.
 * 2. All times are the database's, read when the statement runs (`clock_timestamp`).
 * 3. Whoever changes a claimed task names the token of the claim, and changes nothing if it is old.
 */
import type { Json } from "@cloudphoenix/core";
import {
  ATTEMPTS_MAX,
  type ClaimedTask,
  type ClaimRequest,
  claimLost,
  LOST_TOO_OFTEN,
  type NewTask,
  noSuchTask,
  notSetAside,
  type Task,
  type TaskClaim,
  type TaskCounts,
  type TaskFailure,
  type TaskStatus,
  taskJson,
  type WorkQueue,
} from "@cloudphoenix/engine";
import type { StateConnection } from "../state/state-connection.ts";
import { storedJson, storedText } from "../state/stored-json.ts";

interface TaskRow {
  readonly id: string;
  readonly application: string;
  readonly kind: string;
  readonly key: string;
  readonly status: TaskStatus;
  readonly attempts: number;
  readonly holder: string | null;
  readonly progress: Json;
  readonly result: string | null;
  readonly failure: TaskFailure | null;
}

interface ClaimedRow extends TaskRow {
  readonly payload: string;
  readonly token: string;
}

const COLUMNS = "id, application, kind, key, status, attempts, holder, progress, result, failure";
const IN_MS = "* interval '1 ms'";
const IS_FREE = "status in ('waiting', 'claimed') and due_at <= clock_timestamp()";

export class PostgresWorkQueue implements WorkQueue {
  readonly #state: StateConnection;

  constructor(state: StateConnection) {
    this.#state = state;
  }

  async enqueue(task: NewTask): Promise<Task> {
    const { application, kind, key, batch = null, urgency = 0 } = task;
    const attemptsMax = task.attemptsMax === undefined ? ATTEMPTS_MAX : task.attemptsMax;
    // The empty update makes the row of an earlier call come back.
    const rows = await this.#state.query<TaskRow>(
      `insert into cloudphoenix.task (application, kind, key, batch, urgency, payload, attempts_max)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (application, key) do update set key = excluded.key returning ${COLUMNS}`,
      [application, kind, key, batch, urgency, taskJson(task.payload, "payload"), attemptsMax],
    );
    return one(rows, key);
  }

  async claim(request: ClaimRequest): Promise<ClaimedTask | null> {
    for (const application of await this.#byLoad(request.applications)) {
      const claimed = await this.#claimOf(application, request);
      if (claimed !== null) return claimed;
    }
    return null;
  }

  async renew(claim: TaskClaim, claimMs: number, progress?: Json): Promise<void> {
    await this.#change(
      claim,
      `due_at = clock_timestamp() + $3 ${IN_MS}, progress = coalesce($4::jsonb, progress)`,
      [claimMs, progress === undefined ? null : storedJson(progress)],
    );
  }

  async finish(claim: TaskClaim, result: Json): Promise<void> {
    await this.#change(
      claim,
      "status = 'done', result = $3, failure = null, ended_at = clock_timestamp()",
      [taskJson(result, "result")],
    );
  }

  async fail(
    claim: TaskClaim,
    failure: TaskFailure,
    againInMs: number | null,
  ): Promise<TaskStatus> {
    const given = "$4::float8 is null or attempts >= attempts_max";
    const row = await this.#change(
      claim,
      `failure = $3, status = case when ${given} then 'set-aside' else 'waiting' end,
       ended_at = case when ${given} then clock_timestamp() end,
       due_at = clock_timestamp() + coalesce($4::float8, 0) ${IN_MS}`,
      [storedJson(failure), againInMs],
    );
    return row.status;
  }

  async release(claim: TaskClaim): Promise<void> {
    await this.#change(
      claim,
      "status = 'waiting', attempts = attempts - 1, due_at = clock_timestamp()",
      [],
    );
  }

  async cancel(taskId: string): Promise<void> {
    const rows = await this.#state.query(
      `update cloudphoenix.task set
         status = case when ended_at is null then 'cancelled' else status end,
         ended_at = coalesce(ended_at, clock_timestamp())
       where id = $1 returning id`,
      [taskId],
    );
    if (rows.length === 0) throw noSuchTask(taskId);
  }

  async retry(taskId: string): Promise<void> {
    const rows = await this.#state.query(
      `update cloudphoenix.task set status = 'waiting', attempts = 0, ended_at = null,
         due_at = clock_timestamp()
       where id = $1 and status = 'set-aside' returning id`,
      [taskId],
    );
    if (rows.length > 0) return;
    await this.read(taskId);
    throw notSetAside(taskId);
  }

  async read(taskId: string): Promise<Task> {
    return one(
      await this.#state.query<TaskRow>(`select ${COLUMNS} from cloudphoenix.task where id = $1`, [
        taskId,
      ]),
      taskId,
    );
  }

  async batch(application: string, batch: string, limit: number): Promise<readonly Task[]> {
    const rows = await this.#state.query<TaskRow>(
      `select ${COLUMNS} from cloudphoenix.task
       where application = $1 and batch = $2 order by id limit $3`,
      [application, batch, limit],
    );
    return rows.map(taskOf);
  }

  async setAside(application: string, limit: number): Promise<readonly Task[]> {
    const rows = await this.#state.query<TaskRow>(
      `select ${COLUMNS} from cloudphoenix.task
       where application = $1 and status = 'set-aside' order by ended_at desc limit $2`,
      [application, limit],
    );
    return rows.map(taskOf);
  }

  async counts(application: string): Promise<TaskCounts> {
    const counts = { waiting: 0, claimed: 0, done: 0, "set-aside": 0, cancelled: 0 };
    const rows = await this.#state.query<{ status: TaskStatus; tasks: string }>(
      `select status, count(*) as tasks from cloudphoenix.task where application = $1 group by status`,
      [application],
    );
    for (const { status, tasks } of rows) counts[status] = Number(tasks);
    return counts;
  }

  async prune(endedBeforeMs: number): Promise<number> {
    const rows = await this.#state.query(
      `delete from cloudphoenix.task where ended_at < clock_timestamp() - $1 ${IN_MS} returning id`,
      [endedBeforeMs],
    );
    return rows.length;
  }

  /** Fewest claims in force first; nobody is asked where there is no choice. */
  async #byLoad(applications: readonly string[]): Promise<readonly string[]> {
    if (applications.length < 2) return applications;
    const rows = await this.#state.query<{ application: string }>(
      `select a.application from unnest($1::text[]) with ordinality as a (application, place)
       left join cloudphoenix.task t on t.application = a.application
         and t.status = 'claimed' and t.due_at > clock_timestamp()
       group by a.application, a.place order by count(t.id), a.place`,
      [applications],
    );
    return rows.map((row) => row.application);
  }

  async #claimOf(application: string, request: ClaimRequest): Promise<ClaimedTask | null> {
    const { kinds, holder, claimMs } = request;
    await this.#setAsideLost(application, kinds);
    const [row] = await this.#state.query<ClaimedRow>(
      `update cloudphoenix.task set status = 'claimed', attempts = attempts + 1, token = token + 1,
         holder = $3, due_at = clock_timestamp() + $4 ${IN_MS}
       where id = (
         select id from cloudphoenix.task
         where application = $1 and kind = any($2) and ${IS_FREE}
         order by urgency desc, id limit 1 for update skip locked)
       returning ${COLUMNS}, payload, token`,
      [application, kinds, storedText(holder), claimMs],
    );
    if (row === undefined) return null;
    const claim = { taskId: row.id, token: Number(row.token) };
    return { task: taskOf(row), payload: JSON.parse(row.payload), claim };
  }

  /** A task whose last attempt was lost would otherwise take worker after worker with it. */
  async #setAsideLost(application: string, kinds: readonly string[]): Promise<void> {
    await this.#state.query(
      `update cloudphoenix.task set status = 'set-aside', failure = $3, ended_at = clock_timestamp()
       where id in (
         select id from cloudphoenix.task
         where application = $1 and kind = any($2) and status = 'claimed'
           and due_at <= clock_timestamp() and attempts >= attempts_max
         for update skip locked)`,
      [application, kinds, storedJson(LOST_TOO_OFTEN)],
    );
  }

  async #change(
    { taskId, token }: TaskClaim,
    assignments: string,
    values: readonly unknown[],
  ): Promise<Task> {
    const [row] = await this.#state.query<TaskRow>(
      `update cloudphoenix.task set ${assignments}
       where id = $1 and token = $2 and status = 'claimed' returning ${COLUMNS}`,
      [taskId, token, ...values],
    );
    if (row === undefined) throw claimLost(taskId);
    return taskOf(row);
  }
}

function taskOf(row: TaskRow): Task {
  const { id, application, kind, key, status, attempts, holder, progress, failure } = row;
  const result: Json = row.result === null ? null : JSON.parse(row.result);
  return { id, application, kind, key, status, attempts, holder, progress, result, failure };
}

function one(rows: readonly TaskRow[], taskId: string): Task {
  const [row] = rows;
  if (row === undefined) throw noSuchTask(taskId);
  return taskOf(row);
}
