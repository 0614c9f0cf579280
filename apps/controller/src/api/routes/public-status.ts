/** What pages for everybody may ask, without a token. */

import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { publicStatusSchema } from "../schemas/public-status-schema.ts";
import { sharedAnswer } from "../shared-answer.ts";
import { publicStatusView } from "../views/public-status-view.ts";
import { currentStatus } from "./reads.ts";

/** Strangers ask: however many they are, the state database is read once a second. */
const AGE_MS = 1_000;

export function registerPublicStatus(app: Api, deps: ApiDependencies): void {
  const status = sharedAnswer(
    AGE_MS,
    () => deps.clock.now(),
    async () => publicStatusView(await currentStatus(deps)),
  );
  app.get(
    "/public/status",
    {
      config: { public: true },
      schema: {
        operationId: "getPublicStatus",
        summary: "What everybody may know: who serves, scores, a move; at most a second old",
        security: [],
        response: { 200: publicStatusSchema, ...refusals(503) },
      },
    },
    () => status(),
  );
}
