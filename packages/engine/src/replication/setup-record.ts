/** One set-up that somebody ordered, as it is kept and shown. Data and pure rules. */
import {
  type Application,
  CloudPhoenixError,
  type Json,
  type Roles,
  type RunningRun,
  type SiteId,
} from "@cloudphoenix/core";
import type { SetupProblem, SetupProgress, SetupResult } from "../ports/replication-setup.ts";

/** `superseded`: the sites have other roles by now, so it was given up. */
type SetupStatus = "running" | "done" | "failed" | "superseded";

/** Plain JSON, as stored and sent. */
export interface SetupRecord {
  readonly id: string;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly generation: number;
  readonly by: string;
  readonly reason: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly status: SetupStatus;
  /** How far it was when last seen; null before the copy. */
  readonly progress: SetupProgress | null;
  /** What keeps it from going on, or ended it; null if nothing does. */
  readonly trouble: string | null;
  readonly hint: string | null;
  readonly result: SetupResult | null;
}

/** Key of the fact that holds the newest set-up. */
export const SETUP_KEY = "replication-setup";

/** The set-up in a stored fact; null if there is none. */
export function setupIn(stored: Json): SetupRecord | null {
  if (typeof stored !== "object" || stored === null || !("status" in stored)) return null;
  const record: SetupRecord = JSON.parse(JSON.stringify(stored));
  return record;
}

/** The form in which it is stored. */
export function storedSetup(record: SetupRecord): Json {
  return JSON.parse(JSON.stringify(record));
}

/**
 * The site that is to follow the active one: `to`, or the only other one.
 * @throws {CloudPhoenixError} `NOT_FOUND`, `BAD_REQUEST` if it is the active site, or has to be named
 */
export function standbyToSetUp(
  { sites }: Pick<Application, "sites">,
  { active }: Pick<Roles, "active">,
  to: SiteId | undefined,
): SiteId {
  const others = sites.map(({ id }) => id).filter((id) => id !== active);
  const names = others.join(", ");
  if (to === undefined) {
    const [only, ...more] = others;
    if (only !== undefined && more.length === 0) return only;
    throw refusal("BAD_REQUEST", `${others.length} sites could follow ${active}`, named(names));
  }
  if (to === active) {
    throw refusal(
      "BAD_REQUEST",
      `${to} is the active site: others follow it, and its data is the one that counts`,
      named(names),
    );
  }
  if (others.includes(to)) return to;
  throw refusal("NOT_FOUND", `there is no site ${to}`, named(names));
}

/** What CloudPhoenix itself is doing that set-up must not get in the way of. */
export interface SetupSurroundings {
  readonly running: RunningRun | null;
  /** Quarantined sites about whose own writes nobody has decided yet. */
  readonly undecided: readonly SiteId[];
}

/** Why `to` may not be set up now, whatever the databases say; empty if it may. */
export function standsAgainst(
  to: SiteId,
  { running, undecided }: SetupSurroundings,
): readonly SetupProblem[] {
  const problems: SetupProblem[] = [];
  if (running !== null) {
    const sentence = `run ${running.id} (${running.kind} to ${running.to}) is under way`;
    problems.push({ rule: "run-under-way", site: to, object: running.id, sentence });
  }
  if (undecided.includes(to)) {
    const sentence = `${to} is quarantined: it may hold writes that no other site has, and nobody has decided about them`;
    problems.push({ rule: "quarantined", site: to, object: to, sentence });
  }
  return problems;
}

/** The refusal for what stands against it. @throws always */
export function refuseSetup(problems: readonly SetupProblem[]): never {
  const sentences = problems.map(({ sentence }) => sentence).join("; ");
  if (problems.some(({ rule }) => rule === "quarantined")) {
    throw refusal("CONFLICT", sentences, "Decide first: cloudphoenix quarantine show.");
  }
  if (problems.some(({ rule }) => rule === "run-under-way")) {
    throw new CloudPhoenixError("ALREADY_RUNNING", sentences, {
      retryable: true,
      hint: "Wait until it has ended (cloudphoenix runs), then set up again.",
    });
  }
  const lines = problems.map(({ rule, sentence }) => `\n  ${rule}: ${sentence}`);
  throw refusal(
    "REPLICATION_PREFLIGHT",
    `replication cannot be set up:${lines.join("")}`,
    "Correct every point of the list, then set up replication again.",
  );
}

function refusal(
  code: "BAD_REQUEST" | "NOT_FOUND" | "CONFLICT" | "REPLICATION_PREFLIGHT",
  message: string,
  hint: string,
): CloudPhoenixError {
  return new CloudPhoenixError(code, message, { retryable: false, hint });
}

function named(sites: string): string {
  return `Name one of: ${sites}.`;
}
