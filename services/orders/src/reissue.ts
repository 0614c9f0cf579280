/**
 * `node src/reissue.ts --orders 7,8` or `--since 2026-11-23T00:00:00Z`: has those receipts written
 * again, if they are missing. Takes `DATABASE_URL` and its password as the service does.
 * Exit codes: 0 done, 1 failed, 2 the arguments or settings cannot be used.
 */
import { parseArgs } from "node:util";
import {
  Database,
  DATABASE_FIELDS,
  FencedWrites,
  openSecret,
  readSettings,
  SettingsError,
} from "@cloudphoenix/chassis";
import { z } from "zod";
import { orderIdSchema } from "./order.ts";
import { type ReissueChoice, reissueReceipts } from "./receipts/reissue-receipts.ts";

const ORDERS_MAX = 10_000;

function choiceOf(args: readonly string[]): ReissueChoice {
  const { values } = parsed(args);
  if ((values.orders === undefined) === (values.since === undefined)) {
    throw new SettingsError("say which: --orders 7,8 or --since 2026-11-23T00:00:00Z");
  }
  if (values.since !== undefined) {
    if (!z.iso.datetime({ offset: true }).safeParse(values.since).success) {
      throw new SettingsError("--since: must be a time like 2026-11-23T00:00:00Z");
    }
    return { kind: "since", time: new Date(values.since) };
  }
  const ids = z.array(orderIdSchema).max(ORDERS_MAX).safeParse(values.orders?.split(","));
  if (!ids.success) throw new SettingsError(`--orders: must be up to ${ORDERS_MAX} ids like 7,8`);
  return { kind: "orders", ids: ids.data };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { orders: { type: "string" }, since: { type: "string" } },
    });
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : String(error));
  }
}

function warn(sentence: string): void {
  process.stderr.write(`warning: ${sentence}\n`);
}

async function reissue(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const choice = choiceOf(args);
  const settings = readSettings(z.object(DATABASE_FIELDS), { environment, file: null });
  const file = settings.DATABASE_PASSWORD_FILE;
  const reference = settings.DATABASE_PASSWORD ?? (file === null ? null : `file:${file}`);
  const database = new Database({
    address: settings.DATABASE_URL,
    password: reference === null ? null : openSecret(reference, { environment, onWarning: warn }),
    name: "orders reissue",
    poolMax: 1,
    statementTimeoutMs: 60_000,
  });
  try {
    const total = await reissueReceipts(new FencedWrites(database), choice, (requeued) => {
      process.stderr.write(`${requeued} receipts so far\n`);
    });
    process.stdout.write(`${total} receipts are written again if they are missing\n`);
  } finally {
    await database.close();
  }
}

try {
  await reissue(process.argv.slice(2), process.env);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`receipts cannot be reissued: ${message}\n`);
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}
