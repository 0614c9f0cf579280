/** Run before the service, after the migrations of the orders service, as the owner of the schema. */
import { runMigrations } from "@cloudphoenix/chassis";
import { FULFILMENT_SCHEMA } from "./schema.ts";

process.exitCode = await runMigrations({
  name: "fulfilment",
  schema: FULFILMENT_SCHEMA,
  environment: process.env,
});
