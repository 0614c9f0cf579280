/** A service put together from settings, as a process of its own. Not a test. */
import { z } from "zod";
import {
  assembleDatabaseService,
  DATABASE_FIELDS,
  readSettings,
  runService,
  SERVICE_FIELDS,
  STORAGE_FIELDS,
} from "../src/index.ts";

const schema = z.object({ ...SERVICE_FIELDS, ...DATABASE_FIELDS, ...STORAGE_FIELDS });
const service = await assembleDatabaseService({
  name: "assembled",
  version: "1.0.0",
  settings: readSettings(schema, { environment: process.env, file: null }),
  environment: process.env,
  personalFields: ["customer"],
  contentPolicy: { "default-src": ["'self'"] },
  limits: { paramMaxLength: 5 },
});
service.app.get("/x/:id", () => ({}));
service.app.get("/hanging", () => new Promise(() => undefined));
service.app.get("/told", (request) => {
  request.log.info({ customer: "LEAK" }, "told");
  return {};
});
service.app.get("/password-asked-for", () => service.database.query({ text: "select 1" }));
await runService(service.parts);
