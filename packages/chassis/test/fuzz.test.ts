// "10,000 fuzzed requests (wrong types, huge bodies, bad encodings, header bombs, path tricks): no 5xx
// that is our fault, no crash, no leak of internals, memory flat." FUZZ_SEED repeats a run.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  cleanText,
  idempotencyKey,
  IDEMPOTENCY_TABLE,
  IdempotentWrites,
  NotFoundError,
  requestHash,
  type Database,
} from "../src/index.ts";
import { openWorld, serve, type Serving, type World } from "./chassis-world.ts";
import { besiege, request, send } from "./hostile-requests.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_123);
const REQUESTS = 10_000;

let world: World;
let serving: Serving;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table notes (id bigint generated always as identity primary key, body text);
                   ${IDEMPOTENCY_TABLE} grant all on all tables in schema public to app`);
  serving = await serve(
    world,
    (app, { database, writes }) => {
      app.register(noteRoutes, { database, idempotent: new IdempotentWrites(writes) });
    },
    { set: { RATE_LIMIT_PER_MINUTE: "0" } },
  );
});

interface NoteParts {
  readonly database: Database;
  readonly idempotent: IdempotentWrites;
}

const noteId = z.string().regex(/^[1-9]\d{0,17}$/);

const noteRoutes: FastifyPluginCallbackZod<NoteParts> = (app, { database, idempotent }, done) => {
  app.get("/notes/:id", { schema: { params: z.strictObject({ id: noteId }) } }, (asked) =>
    noteOf(database, asked.params.id),
  );
  app.post(
    "/notes",
    {
      schema: {
        headers: z.object({ "idempotency-key": idempotencyKey }),
        body: z.strictObject({ body: cleanText(500) }),
      },
    },
    (asked) =>
      idempotent.run(
        { key: asked.headers["idempotency-key"], hash: requestHash(asked.body) },
        (transaction) =>
          transaction.query({
            text: "insert into notes (body) values ($1) returning id",
            values: [asked.body.body],
          }),
      ),
  );
  done();
};

async function noteOf(database: Database, id: string): Promise<object> {
  const statement = { name: "note", text: "select body from notes where id = $1", values: [id] };
  const [note] = await database.query(statement);
  if (note === undefined) throw new NotFoundError("There is no such note.");
  return note;
}

afterAll(async () => {
  await serving.drain();
  await world.close();
});

test(`${REQUESTS} hostile requests (seed ${SEED}) do no harm`, async () => {
  const { statuses, faults, heapGrowthBytes } = await besiege({
    port: serving.port,
    requests: REQUESTS,
    seed: SEED,
    honest: (id) => [
      { method: "POST", target: "/notes", content: JSON.stringify({ body: `tea ${id}` }) },
      { method: "GET", target: `/notes/${id}`, content: "" },
    ],
    base: "/notes",
    field: "body",
    inside: /node:internal|at .*\.ts:|postgres|select |ECONN/i,
  });
  expect(faults).toEqual([]);
  // The service lives, answers honest requests, and has not kept what it was sent.
  const honest = await send(
    serving.port,
    request({
      method: "POST",
      target: "/notes",
      content: '{"body":"tea"}',
      headers: { "Idempotency-Key": "honest" },
    }),
  );
  expect(honest).toMatch(/^HTTP\/1\.1 200/);
  expect(heapGrowthBytes).toBeLessThan(10 * 1024 * 1024);
  // All kinds of refusals were met, and some requests were good: the generator does reach the routes.
  for (const status of ["200", "400", "404", "413", "415", "431"]) {
    expect([status, (statuses.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
}, 240_000);
