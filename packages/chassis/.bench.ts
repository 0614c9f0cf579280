import { execFileSync, execFile } from "node:child_process";
import { promisify } from "node:util";
import { createServer } from "node:http";
import { createWriteStream } from "node:fs";
import { fastify } from "fastify";
import { Pool } from "pg";
import { pino } from "pino";
import { z } from "zod";
import { openWorld, serve } from "./test/chassis-world.ts";
const run = promisify(execFile);
const world = {
  port: Number(process.env["PGP"]),
  environment: JSON.parse(process.env["WENV"]!),
} as any;
const mode = process.argv[2];
let url: string;
let stop: () => Promise<void>;
if (mode === "bare") {
  const pool = new Pool({
    host: "127.0.0.1",
    port: world.port,
    user: "app",
    password: "app-secret",
    database: "app",
    max: 10,
  });
  const app = fastify();
  app.get(
    "/items/:id",
    async (r: any) =>
      (
        await pool.query({
          name: "i",
          text: "select id, name from items where id = $1",
          values: [r.params.id],
        })
      ).rows[0],
  );
  app.get("/live", () => ({ status: "live" }));
  url = await app.listen({ port: 0, host: "127.0.0.1" });
  stop = async () => {
    await app.close();
    await pool.end();
  };
} else {
  const collector = createServer((q, s) => {
    q.resume();
    s.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((r) => collector.listen(0, "127.0.0.1", r));
  const has = (w: string) => mode.split("-").includes(w);
  const rawPool = new Pool({
    host: "127.0.0.1",
    port: world.port,
    user: "app",
    password: "app-secret",
    database: "app",
    max: 10,
  });
  const s = await serve(
    world,
    (app, { database }) => {
      app.get(
        "/items/:id",
        has("nozod")
          ? {}
          : {
              schema: {
                params: z.strictObject({ id: z.string().regex(/^\d{1,9}$/) }),
                response: { 200: z.strictObject({ id: z.int(), name: z.string() }) },
              },
            },
        async (r: any) => {
          if (has("rawpg"))
            return (
              await rawPool.query({
                name: "i",
                text: "select id, name from items where id = $1",
                values: [r.params.id],
              })
            ).rows[0];
          const [row] = await database.query(
            { name: "i", text: "select id, name from items where id = $1", values: [r.params.id] },
            { idempotent: true, deadline: r.deadline },
          );
          return row;
        },
      );
    },
    {
      set: {
        LOG_LEVEL: has("nolog") ? "silent" : "info",
        RATE_LIMIT_PER_MINUTE: has("norate") ? "0" : "99999999",
        ...(has("traced")
          ? { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as any).port}` }
          : {}),
      },
    },
  );
  url = s.url;
  stop = async () => {
    await s.drain();
    collector.close();
    collector.closeAllConnections();
  };
}

process.on("message", (m) => {
  if (m === "cpu") process.send!(process.cpuUsage());
  else process.exit(0);
});
process.send!({ url });
