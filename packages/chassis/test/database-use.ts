/** Using a database client of the chassis once, whatever becomes of it. */
import type { Database } from "../src/index.ts";

/** The least that shows that a database answers. */
export const ONE = { text: "select 1 as one" };

/** Closes the client after `work`. */
export async function using<T>(
  database: Database,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** A statement that fails with this SQLSTATE. */
export function raising(state: string): { text: string } {
  return { text: `do $$ begin raise exception 'planted' using errcode = '${state}'; end $$` };
}

/** What it rejects with; null if it resolves. */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}
