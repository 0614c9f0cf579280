import type { Json } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import {
  ATTEMPTS_MAX,
  type ClaimedTask,
  type ClaimRequest,
  type NewTask,
  type Task,
  type TaskClaim,
  type TaskCounts,
  type TaskFailure,
  type TaskStatus,
  type WorkQueue,
} from "../ports/work-queue.ts";
import {
  claimLost,
  LOST_TOO_OFTEN,
  noSuchTask,
  notSetAside,
  taskJson,
} from "../ports/work-queue-errors.ts";

interface Row {
  readonly id: string;
  readonly asked: NewTask;
  readonly payload: string;
  readonly attemptsMax: number;
  status: TaskStatus;
  attempts: number;
  token: number;
  holder: string | null;
  progress: Json;
  result: Json;
  failure: TaskFailure | null;
  /** Not before this instant; while claimed, when the claim lapses. */
  dueMs: number;
  endedMs: number | null;
}

/** Tasks in one process, for tests and simulations. */
export class MemoryWorkQueue implements WorkQueue {
  readonly #clock: Clock;
  readonly #rows: Row[] = [];
  #ids = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async enqueue(task: NewTask): Promise<Task> {
    const payload = taskJson(task.payload, "payload");
    const known = this.#rows.find(
      ({ asked }) => asked.application === task.application && asked.key === task.key,
    );
    if (known !== undefined) return taskOf(known);
    this.#ids += 1;
    const attemptsMax = task.attemptsMax === null ? Infinity : (task.attemptsMax ?? ATTEMPTS_MAX);
    const row: Row = {
      id: String(this.#ids),
      asked: task,
      payload,
      attemptsMax,
      status: "waiting",
      attempts: 0,
      token: 0,
      holder: null,
      progress: null,
      result: null,
      failure: null,
      dueMs: this.#clock.now(),
      endedMs: null,
    };
    this.#rows.push(row);
    return taskOf(row);
  }

  async claim({ applications, kinds, holder, claimMs }: ClaimRequest): Promise<ClaimedTask | null> {
    const nowMs = this.#clock.now();
    const free = this.#rows.filter(
      ({ asked, status, dueMs }) =>
        kinds.includes(asked.kind) &&
        (status === "waiting" || status === "claimed") &&
        dueMs <= nowMs,
    );
    for (const application of this.#byLoad(applications, nowMs)) {
      const due = free.filter(({ asked }) => asked.application === application);
      for (const row of due.toSorted((a, b) => urgencyOf(b) - urgencyOf(a))) {
        if (row.attempts >= row.attemptsMax) {
          this.#end(row, "set-aside", LOST_TOO_OFTEN);
          continue;
        }
        row.status = "claimed";
        row.attempts += 1;
        row.token += 1;
        row.holder = holder;
        row.dueMs = nowMs + claimMs;
        const claim = { taskId: row.id, token: row.token };
        return { task: taskOf(row), payload: JSON.parse(row.payload), claim };
      }
    }
    return null;
  }

  async renew(claim: TaskClaim, claimMs: number, progress?: Json): Promise<void> {
    const row = this.#claimed(claim);
    row.dueMs = this.#clock.now() + claimMs;
    if (progress !== undefined) row.progress = progress;
  }

  async finish(claim: TaskClaim, result: Json): Promise<void> {
    taskJson(result, "result");
    const row = this.#claimed(claim);
    this.#end(row, "done", null);
    row.result = result;
  }

  async fail(
    claim: TaskClaim,
    failure: TaskFailure,
    againInMs: number | null,
  ): Promise<TaskStatus> {
    const row = this.#claimed(claim);
    if (againInMs === null || row.attempts >= row.attemptsMax) {
      this.#end(row, "set-aside", failure);
    } else {
      row.status = "waiting";
      row.failure = failure;
      row.dueMs = this.#clock.now() + againInMs;
    }
    return row.status;
  }

  async release(claim: TaskClaim): Promise<void> {
    const row = this.#claimed(claim);
    row.status = "waiting";
    row.attempts -= 1;
    row.dueMs = this.#clock.now();
  }

  async cancel(taskId: string): Promise<void> {
    const row = this.#row(taskId);
    if (row.endedMs === null) this.#end(row, "cancelled", row.failure);
  }

  async retry(taskId: string): Promise<void> {
    const row = this.#row(taskId);
    if (row.status !== "set-aside") throw notSetAside(taskId);
    Object.assign(row, { status: "waiting", attempts: 0, dueMs: this.#clock.now(), endedMs: null });
  }

  async read(taskId: string): Promise<Task> {
    return taskOf(this.#row(taskId));
  }

  async batch(application: string, batch: string, limit: number): Promise<readonly Task[]> {
    return this.#rows
      .filter(({ asked }) => asked.application === application && asked.batch === batch)
      .slice(0, limit)
      .map(taskOf);
  }

  async setAside(application: string, limit: number): Promise<readonly Task[]> {
    return this.#rows
      .filter(({ asked, status }) => asked.application === application && status === "set-aside")
      .toSorted((a, b) => (b.endedMs ?? 0) - (a.endedMs ?? 0))
      .slice(0, limit)
      .map(taskOf);
  }

  async counts(application: string): Promise<TaskCounts> {
    const counts = { waiting: 0, claimed: 0, done: 0, "set-aside": 0, cancelled: 0 };
    for (const { asked, status } of this.#rows) {
      if (asked.application === application) counts[status] += 1;
    }
    return counts;
  }

  async prune(endedBeforeMs: number): Promise<number> {
    const kept = this.#rows.filter(
      ({ endedMs }) => endedMs === null || endedMs >= this.#clock.now() - endedBeforeMs,
    );
    return this.#rows.splice(0, this.#rows.length, ...kept).length - kept.length;
  }

  #byLoad(applications: readonly string[], nowMs: number): readonly string[] {
    const load = (application: string): number =>
      this.#rows.filter(
        ({ asked, status, dueMs }) =>
          asked.application === application && status === "claimed" && dueMs > nowMs,
      ).length;
    return applications.toSorted((a, b) => load(a) - load(b));
  }

  #end(row: Row, status: TaskStatus, failure: TaskFailure | null): void {
    row.status = status;
    row.failure = failure;
    row.endedMs = this.#clock.now();
  }

  #row(taskId: string): Row {
    const row = this.#rows.find(({ id }) => id === taskId);
    if (row === undefined) throw noSuchTask(taskId);
    return row;
  }

  #claimed({ taskId, token }: TaskClaim): Row {
    const row = this.#rows.find(({ id }) => id === taskId);
    if (row?.status !== "claimed" || row.token !== token) throw claimLost(taskId);
    return row;
  }
}

function urgencyOf({ asked }: Row): number {
  return asked.urgency ?? 0;
}

function taskOf(row: Row): Task {
  const { id, asked, status, attempts, holder, progress, result, failure } = row;
  const { application, kind, key } = asked;
  return { id, application, kind, key, status, attempts, holder, progress, result, failure };
}
