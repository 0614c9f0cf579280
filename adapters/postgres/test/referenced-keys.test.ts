import { afterAll, beforeAll, expect, test } from "vitest";
import { Pair, SITE_A, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

const RECEIPTS = `
  create table public.receipts (id int primary key, object_key text, stored_at timestamptz);
  insert into public.receipts
    select n, 'receipts/' || n || '.json', case when n % 2 = 0 then now() end
    from generate_series(1, 12000) n;
  insert into public.receipts values
    (20001, 'receipts/Ä', now()), (20002, 'receipts/~', now()), (20003, 'receipts/2.json', now()),
    (20004, null, now());
  grant select, insert, update, delete, truncate on public.receipts to app;`;

const COLUMN = { table: "public.receipts", key: "object_key", storedAt: "stored_at" };

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
  pair = await Pair.make(servers, { application: "keys", schema: RECEIPTS });
});
afterAll(async () => {
  await pair.close();
  await servers.remove();
});

async function pages(column: typeof COLUMN): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = [];
  for await (const page of pair.replication.referencedKeys(SITE_A, column, soon())) all.push(page);
  return all;
}

test("keys of rows whose object is stored come once each, in byte order, page by page", async () => {
  const found = await pages(COLUMN);
  const keys = found.flat();
  expect(found.length).toBeGreaterThan(1);
  expect(keys).toHaveLength(6_002);
  expect(new Set(keys).size).toBe(6_002);
  const inBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(keys).toEqual(inBytes);
  expect(keys.at(-1)).toBe("receipts/Ä");
});

test("a table that does not exist is named", async () => {
  await expect(pages({ ...COLUMN, table: "public.receits" })).rejects.toThrow(/receits/);
});

test("a reader that stops early gives the session back at once", async () => {
  for (let round = 0; round < 10; round += 1) {
    for await (const page of pair.replication.referencedKeys(SITE_A, COLUMN, soon())) {
      expect(page.length).toBeGreaterThan(0);
      break;
    }
  }
  expect((await pages(COLUMN)).flat()).toHaveLength(6_002);
});
