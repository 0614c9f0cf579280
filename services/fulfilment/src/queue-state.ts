/** How the queue is, in numbers that cost the database little. */
import type { Database } from "@cloudphoenix/chassis";

/** How the queue is. */
export interface QueueState {
  /** Orders that could be taken now or later; counted up to 10,000. */
  readonly waiting: number;
  /** How long the next one has been due; 0 if none is. */
  readonly oldestDueSeconds: number;
  /** Orders set aside for a person; counted up to 10,000. */
  readonly setAside: number;
}

/** An operator who sees 10,000 knows enough, and counting all would read them all. */
const COUNTED_MAX = 10_000;

/** @throws {ServiceError} what the database says, within 400 ms */
export async function queueState(database: Pick<Database, "control">): Promise<QueueState> {
  const [row] = await database.control<QueueState>({
    name: "queue-state",
    text: `
      select ${countOf("placed")} as waiting, ${countOf("set_aside")} as "setAside",
        coalesce((
          select extract(epoch from clock_timestamp() - coalesce(not_before, created_at))::float8
          from public.orders
          where status = 'placed' and (not_before is null or not_before <= clock_timestamp())
          order by id limit 1), 0) as "oldestDueSeconds"`,
  });
  return row ?? { waiting: 0, oldestDueSeconds: 0, setAside: 0 };
}

function countOf(status: string): string {
  return `(select count(*)::int from (
    select 1 from public.orders where status = '${status}' limit ${COUNTED_MAX}) counted)`;
}
