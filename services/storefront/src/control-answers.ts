/** What a controller of CloudPhoenix tells everybody, as far as the pages need it; it may say more. */
import { DependencyError } from "@cloudphoenix/chassis";
import { z } from "zod";

const LEVELS = ["none", "heal", "region", "dr"] as const;

/** How grave the score of a site is. */
export type Level = (typeof LEVELS)[number];

/** A move of the application that is under way. */
export interface Move {
  /** The site it goes to. */
  readonly to: string;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
}

/** The answer of one controller. Times are on its clock. */
export interface ControlAnswer {
  readonly atMs: number;
  readonly move: Move | null;
  /** Only the controller that leads knows scores. */
  readonly sites: readonly {
    readonly id: string;
    readonly score: number | null;
    readonly level: Level | null;
    readonly evaluatedAtMs: number | null;
  }[];
}

/** Of a date that can be written. */
const instantMs = z.number().min(0).max(8_640_000_000_000_000);

const controlAnswer: z.ZodType<ControlAnswer> = z.object({
  atMs: instantMs,
  move: z.object({ to: z.string(), sinceMs: instantMs }).nullable(),
  sites: z.array(
    z.object({
      id: z.string(),
      score: z.number().nullable(),
      level: z.enum(LEVELS).nullable(),
      evaluatedAtMs: instantMs.nullable(),
    }),
  ),
});

/**
 * Asks the controller at `origin`, on a connection of its own: behind one name there may be several,
 * and the next time another one has its turn.
 * @throws if it does not answer as one
 */
export async function askController(origin: string, signal: AbortSignal): Promise<ControlAnswer> {
  const response = await fetch(`${origin}/public/status`, {
    headers: { connection: "close" },
    redirect: "error",
    signal,
  });
  const body: unknown = await response.json();
  if (response.ok) return controlAnswer.parse(body);
  throw new DependencyError(`The controller answered ${response.status}.`);
}
