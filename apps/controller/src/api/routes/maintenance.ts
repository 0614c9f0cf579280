/** Switching automatic action off and on. */

import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { audited, roomOf } from "../mutation.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { operator, reason } from "../schemas/request-fields.ts";

/** Registers `PUT /v1/maintenance`. */
export function registerMaintenance(app: Api, deps: ApiDependencies): void {
  app.put(
    "/v1/maintenance",
    {
      schema: {
        operationId: "setMaintenance",
        summary: "Switch automatic action off or on again; survives restarts (leader only)",
        body: z.strictObject({ on: z.boolean(), reason, by: operator }),
        response: {
          200: z.strictObject({ maintenance: z.string().nullable() }),
          ...refusals(400, 401, 413, 415, 503),
        },
      },
    },
    async ({ body, id }) => {
      const room = roomOf(deps);
      const { on, by } = body;
      const mutation = {
        by,
        what: on ? "maintenance.on" : "maintenance.off",
        why: body.reason,
        detail: { request: id },
      };
      await audited(deps, mutation, () => room.maintain({ on, reason: body.reason, by }));
      return { maintenance: on ? body.reason : null };
    },
  );
}
