/** A service as a process of its own, for the tests of its shutdown. Not a test. */
import { z } from "zod";
import {
  assembleDatabaseService,
  DATABASE_FIELDS,
  readSettings,
  runService,
  SERVICE_FIELDS,
} from "../src/index.ts";

const settings = readSettings(z.object({ ...SERVICE_FIELDS, ...DATABASE_FIELDS }), {
  environment: process.env,
  file: null,
});
const service = await assembleDatabaseService({
  name: "stoppable",
  version: "1.0.0",
  settings,
  environment: process.env,
});
service.app.post("/items", () =>
  service.writes.transaction((transaction) =>
    transaction.query({ text: "insert into items default values returning id" }),
  ),
);
service.app.post("/throw", (_request, reply) => {
  setImmediate(() => {
    throw new Error("nobody catches this");
  });
  reply.send({});
});
const log = (msg: string) => async (): Promise<void> => service.logger.info(msg);
await runService({
  ...service.parts,
  quiesce: [log("quiesced"), () => Promise.reject(new Error("planted"))],
  closers: [log("closing"), ...(service.parts.closers ?? []), log("closed")],
});
