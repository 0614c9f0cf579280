/** Steers a sandbox from another terminal: HTTP on loopback, with a token. */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { FAULT_NAMES, type FaultName } from "../faults/index.ts";
import { optionalTextField, textField } from "../http/body-fields.ts";
import type { Route } from "../http/json-api.ts";
import { readImpairment } from "../links/index.ts";
import type { FaultAtWork } from "./fault-board.ts";
import type { World } from "./world.ts";

const ANSWER_LEAVES_WITHIN_MS = 100;

/** Routes of the control API. `askToStop` tells the process that runs the world to close it. */
export function controlRoutes(
  world: Pick<World, "status" | "links" | "breakIt" | "mend" | "impairLinks" | "repairLinks">,
  askToStop: () => void,
): readonly Route[] {
  return [
    { method: "GET", path: "/v1/world", handle: async () => plain(await world.status()) },
    { method: "GET", path: "/v1/links", handle: async () => plain(await world.links()) },
    {
      method: "POST",
      path: "/v1/faults",
      handle: async ({ body }) => {
        const fault = faultName(textField(body, "fault"));
        return plain(await world.breakIt(fault, optionalTextField(body, "site") ?? undefined));
      },
    },
    {
      method: "POST",
      path: "/v1/faults/mend",
      handle: async ({ body }) => {
        const fault = optionalTextField(body, "fault");
        return plain(await world.mend(fault === null ? undefined : faultName(fault)));
      },
    },
    {
      method: "PUT",
      path: "/v1/links",
      handle: async ({ body }) => {
        const pattern = textField(body, "pattern");
        return plain(await world.impairLinks(pattern, readImpairment(body)));
      },
    },
    { method: "DELETE", path: "/v1/links", handle: async () => plain(await world.repairLinks()) },
    {
      method: "POST",
      path: "/v1/stop",
      handle: () => {
        // Closing takes this very API down; the answer leaves first.
        setTimeout(askToStop, ANSWER_LEAVES_WITHIN_MS);
        return { stopping: true };
      },
    },
  ];
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` naming every fault there is */
function faultName(name: string): FaultName {
  const known = FAULT_NAMES.find((each) => each === name);
  if (known !== undefined) return known;
  throw new CloudPhoenixError("BAD_REQUEST", `there is no fault ${name}`, {
    retryable: false,
    hint: `Choose one of ${FAULT_NAMES.join(", ")}.`,
  });
}

/** What is answered is data without methods; this says so to the type checker. */
function plain(value: object | readonly FaultAtWork[]): Json {
  const copy: Json = JSON.parse(JSON.stringify(value));
  return copy;
}
