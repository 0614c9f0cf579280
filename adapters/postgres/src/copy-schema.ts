/** Makes the objects of one site at the other. */
import { escapeIdentifier } from "pg";
import { sqlStateOf } from "./database-error.ts";
import type { SchemaObject } from "./schema-object.ts";
import type { SiteConnection } from "./site-connections.ts";

/**
 * Something a statement needs does not exist yet: undefined table, column, function, object,
 * schema. PostgreSQL manual, appendix A.
 */
const NOT_THERE_YET: ReadonlySet<string> = new Set(["42P01", "42703", "42883", "42704", "3F000"]);

/**
 * Makes `objects` at `target` and gives them to their owners. Part of the caller's transaction.
 *
 * Objects come in an order that is nearly always right. Where it is not (a default that calls a
 * function that returns a row of a later table), a statement that misses something is tried again
 * after the others; a round in which nothing succeeds is an error.
 */
export async function copySchema(
  target: SiteConnection,
  objects: readonly SchemaObject[],
): Promise<void> {
  await target.query("set local check_function_bodies = off");
  let waiting = objects;
  while (waiting.length > 0) {
    const missed: SchemaObject[] = [];
    let reason: unknown = null;
    for (const object of waiting) {
      const failure = await make(target, object);
      if (failure === null) continue;
      missed.push(object);
      reason ??= failure;
    }
    if (missed.length === waiting.length) throw reason;
    waiting = missed;
  }
}

/** @returns null if made, or why it cannot be made yet */
async function make(target: SiteConnection, object: SchemaObject): Promise<unknown> {
  const { statement, owner, ownedAs } = object;
  const owned =
    owner === null || ownedAs === null
      ? ""
      : `;\nalter ${ownedAs} owner to ${escapeIdentifier(owner)}`;
  try {
    await target.query(`savepoint object;\n${statement}${owned};\nrelease savepoint object`);
    return null;
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === null || !NOT_THERE_YET.has(state)) throw error;
    await target.query("rollback to savepoint object");
    return error;
  }
}
