/** Returned old primaries: what they alone hold, and what people decide about it. */

import { Readable } from "node:stream";
import {
  type DivergentObject,
  type DivergentRow,
  type ObjectDivergence,
  objectDivergence,
  type QuarantineDesk,
} from "@cloudphoenix/engine";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { audited, roomOf } from "../mutation.ts";
import { refusals } from "../schemas/problem-schema.ts";
import {
  divergentRowSchema,
  objectDivergenceSchema,
  quarantineSchema,
  reapplySchema,
} from "../schemas/quarantine-schema.ts";
import { operator, reason } from "../schemas/request-fields.ts";
import { type QuarantineView, quarantineView } from "../views/quarantine-view.ts";

const params = z.strictObject({ site: z.string().min(1).max(63) });
const person = { by: operator, reason };

/** Writing a large tail back takes as long as it took to write it. */
const REAPPLY_WITHIN_MS = 600_000;
const EXPORT_WITHIN_MS = 3_600_000;
const SHOW_WITHIN_MS = 60_000;
/** More than a million objects; the rest of an answer must not wait for longer. */
const OBJECTS_SHOW_WITHIN_MS = 30_000;
/** What a person reads of a list; the file has all. */
const CONFLICTS_SHOWN = 100;

/** Registers everything below `/v1/quarantine`. */
export function registerQuarantine(app: Api, deps: ApiDependencies): void {
  registerReads(app, deps);
  registerExport(app, deps);
  registerDecisions(app, deps);
  registerReapply(app, deps);
}

function registerReads(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/quarantine",
    {
      schema: {
        operationId: "listQuarantines",
        summary: "Returned old primaries that wait for people (leader only)",
        response: {
          200: z.strictObject({ quarantines: z.array(quarantineSchema) }),
          ...refusals(401, 503),
        },
      },
    },
    async () => ({
      quarantines: roomOf(deps)
        .quarantine.list()
        .map((one) => quarantineView(one, deps.policy.approversForRisk)),
    }),
  );
  app.get(
    "/v1/quarantine/:site",
    {
      schema: {
        operationId: "getQuarantine",
        summary: "One of them with the first changes and objects that only it has (leader only)",
        params,
        querystring: z.strictObject({
          rows: z.coerce.number().int().min(0).max(1_000).default(20),
          objects: z.coerce
            .number()
            .int()
            .min(0)
            .max(1_000)
            .default(20)
            .describe("How many to name; 0 compares none."),
        }),
        response: {
          200: z.strictObject({
            quarantine: quarantineSchema,
            rows: z.array(divergentRowSchema),
            objects: objectDivergenceSchema
              .nullable()
              .describe("Null where there are no objects, or none were asked for."),
          }),
          ...refusals(400, 401, 404, 409, 503),
        },
      },
    },
    async ({ params: { site }, query }) => {
      const { quarantine } = roomOf(deps);
      const found = quarantine.of(site);
      const [rows, objects] = await Promise.all([
        firstRows(quarantine, site, query.rows),
        lookAtObjects(quarantine, site, query.objects),
      ]);
      return { quarantine: quarantineView(found, deps.policy.approversForRisk), rows, objects };
    },
  );
}

async function firstRows(
  quarantine: Pick<QuarantineDesk, "of" | "rows">,
  site: string,
  most: number,
): Promise<DivergentRow[]> {
  const { divergence } = quarantine.of(site);
  const rows: DivergentRow[] = [];
  if (divergence === null || divergence.transactions === 0 || most === 0) return rows;
  for await (const row of quarantine.rows(site, AbortSignal.timeout(SHOW_WITHIN_MS))) {
    rows.push(row);
    if (rows.length >= most) break;
  }
  return rows;
}

async function lookAtObjects(
  quarantine: Pick<QuarantineDesk, "objects">,
  site: string,
  most: number,
): Promise<ObjectDivergence | null> {
  if (most === 0) return null;
  const limit = AbortSignal.timeout(OBJECTS_SHOW_WITHIN_MS);
  const pages = quarantine.objects(site, limit);
  return pages === null ? null : objectDivergence(pages, most, limit);
}

function registerExport(app: Api, deps: ApiDependencies): void {
  const answers = {
    200: z.string().describe("JSON lines (`application/x-ndjson`)."),
    ...refusals(400, 401, 404, 409, 503),
  };
  app.get(
    "/v1/quarantine/:site/rows",
    {
      schema: {
        operationId: "exportQuarantine",
        summary: "Every change that only it has, as JSON lines (leader only)",
        description:
          'One `DivergentRow` a line, in commit order; the last line is `{"end":true,"rows":n}`. An answer without it broke off.',
        produces: ["application/x-ndjson"],
        params,
        response: answers,
      },
    },
    async ({ params: { site } }, reply) => {
      const { quarantine } = roomOf(deps);
      quarantine.of(site);
      await sendLines(reply, "rows", (signal) => quarantine.rows(site, signal));
    },
  );
  app.get(
    "/v1/quarantine/:site/objects",
    {
      schema: {
        operationId: "exportDivergentObjects",
        summary: "Every object that only it has, or has otherwise, as JSON lines (leader only)",
        description:
          'One `DivergentObject` a line, in the order of keys; the last line is `{"end":true,"objects":n}`, with `null` where the application has no objects. An answer without it broke off.',
        produces: ["application/x-ndjson"],
        params,
        response: answers,
      },
    },
    async ({ params: { site } }, reply) => {
      const { quarantine } = roomOf(deps);
      quarantine.of(site);
      await sendLines(reply, "objects", (signal) => {
        const pages = quarantine.objects(site, signal);
        return pages === null ? null : each(pages);
      });
    },
  );
}

async function* each(
  pages: NonNullable<ReturnType<QuarantineDesk["objects"]>>,
): AsyncGenerator<DivergentObject> {
  for await (const { found } of pages) yield* found;
}

/** Streams what `list` yields; null says that there is nothing to list. */
async function sendLines(
  reply: FastifyReply,
  what: "rows" | "objects",
  list: (signal: AbortSignal) => AsyncGenerator | null,
): Promise<void> {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const items = list(AbortSignal.any([gone.signal, AbortSignal.timeout(EXPORT_WITHIN_MS)]));
  // The first one is awaited, so that a refusal is still an answer of its own.
  const first = await items?.next();
  reply.header("content-type", "application/x-ndjson");
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  const stream = Readable.from(lines(what, first, items));
  stream.once("error", () => reply.raw.destroy());
  stream.pipe(reply.raw);
}

async function* lines(
  what: "rows" | "objects",
  first: IteratorResult<unknown> | undefined,
  rest: AsyncGenerator | null,
): AsyncGenerator<string> {
  let count = 0;
  for (let next = first; next?.done === false; next = await rest?.next()) {
    count += 1;
    yield `${JSON.stringify(next.value)}\n`;
  }
  yield `${JSON.stringify({ end: true, [what]: rest === null ? null : count })}\n`;
}

function registerDecisions(app: Api, deps: ApiDependencies): void {
  const shown = (found: Parameters<typeof quarantineView>[0]): { quarantine: QuarantineView } => ({
    quarantine: quarantineView(found, deps.policy.approversForRisk),
  });
  const answers = {
    200: z.strictObject({ quarantine: quarantineSchema }),
    ...refusals(400, 401, 404, 409, 413, 415, 503),
  };
  app.post(
    "/v1/quarantine/:site/accept",
    {
      schema: {
        operationId: "acceptQuarantine",
        summary: "Give up what only it has, in your name; it may take several people (leader only)",
        params,
        body: z.strictObject(person),
        response: answers,
      },
    },
    async ({ id: request, params: { site }, body }) => {
      const { quarantine } = roomOf(deps);
      const mutation = {
        by: body.by,
        what: "quarantine.accept",
        why: body.reason,
        detail: { site, request },
      };
      return audited(deps, mutation, async () => shown(await quarantine.accept(site, body)));
    },
  );
  app.post(
    "/v1/quarantine/:site/exported",
    {
      schema: {
        operationId: "confirmExport",
        summary:
          "Say that an export was stored completely, which counts as a decision (leader only)",
        params,
        body: z.strictObject({
          by: operator,
          rows: z.int().min(0),
          file: z.string().min(1).max(500).describe("Where it was stored, for people."),
        }),
        response: answers,
      },
    },
    async ({ id: request, params: { site }, body }) => {
      const { quarantine } = roomOf(deps);
      const { by, rows, file } = body;
      const mutation = {
        by,
        what: "quarantine.export",
        why: `kept in ${file}`,
        detail: { site, rows, file, request },
      };
      return audited(deps, mutation, async () => shown(await quarantine.exported(site, body)));
    },
  );
}

function registerReapply(app: Api, deps: ApiDependencies): void {
  app.post(
    "/v1/quarantine/:site/reapply",
    {
      schema: {
        operationId: "reapplyQuarantine",
        summary:
          "Write what only it has to the current writer; conflicts are left out (leader only)",
        params,
        body: z.strictObject(person),
        response: { 200: reapplySchema, ...refusals(400, 401, 404, 409, 413, 415, 503) },
      },
    },
    async ({ id: request, params: { site }, body }) => {
      const { quarantine } = roomOf(deps);
      const mutation = {
        by: body.by,
        what: "quarantine.reapply",
        why: body.reason,
        detail: { site, request },
      };
      const limit = AbortSignal.timeout(REAPPLY_WITHIN_MS);
      return audited(deps, mutation, async () => {
        const result = await quarantine.reapply(site, body, limit);
        return { ...result, conflicts: result.conflicts.slice(0, CONFLICTS_SHOWN) };
      });
    },
  );
}
