/** The one screen of the on-call engineer. */
import type { Terminal } from "../terminal.ts";
import { clockText, durationText } from "./duration-text.ts";
import { type ObjectCopyDocument, objectCopyText } from "./object-copy-text.ts";
import { waitingText } from "./run-text.ts";
import { type QuarantineDocument, quarantineLine } from "./quarantine-text.ts";
import { textTable } from "./text-table.ts";

/** The parts of `GET /v1/status` that the screen shows. */
export interface StatusDocument {
  readonly atMs: number;
  readonly application: {
    readonly name: string;
    readonly objectives: { readonly rtoMs: number; readonly rpoMs: number };
  };
  readonly controller: {
    readonly role: string;
    readonly epoch: number | null;
    readonly version: string;
  };
  readonly generation: number;
  readonly active: string;
  readonly modes: Readonly<Record<string, string>>;
  readonly maintenance: string | null;
  readonly sites: readonly SiteDocument[];
  readonly standbys: readonly StandbyDocument[];
  readonly quarantined: readonly QuarantineDocument[];
  readonly decision: {
    readonly verdict: string;
    readonly action: string;
    readonly sentence: string;
  } | null;
  readonly activeRun: RunDocument | null;
  readonly protected: { readonly yes: boolean; readonly why: string };
}

interface SiteDocument {
  readonly id: string;
  readonly role: string;
  readonly score: number | null;
  readonly coverage: number | null;
  readonly level: string | null;
  readonly troubles: readonly string[];
}

interface StandbyDocument {
  readonly site: string;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly entry: string;
  readonly replication: {
    readonly state: string;
    readonly lagMs: number | null;
    readonly lossBoundMs: number | null;
    readonly objects: ObjectCopyDocument | null;
  } | null;
}

interface RunDocument {
  readonly id: string;
  readonly kind: string;
  readonly to: string;
  readonly status: string;
  readonly waitingFor: string | null;
  readonly question: number | null;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  readonly current: readonly string[];
}

/** Verdict first, then sites, standbys, the run in flight, and what to type next. */
export function statusText(status: StatusDocument, paint: Terminal["paint"]): string {
  return [
    headline(status, paint),
    ...(status.decision === null ? [] : [status.decision.sentence]),
    ...(status.maintenance === null
      ? []
      : [
          paint.yellow(`Automatic action is off: ${status.maintenance}`),
          `  End it: cloudphoenix maintenance off --reason "…"`,
        ]),
    "",
    ...siteLines(status),
    "",
    ...status.standbys.flatMap((standby) => standbyLines(standby, status, paint)),
    ...status.quarantined.map((one) => paint.yellow(quarantineLine(one))),
    ...runLines(status.activeRun, paint),
    "",
    paint.dim(footer(status)),
  ].join("\n");
}

function headline(status: StatusDocument, paint: Terminal["paint"]): string {
  const name = paint.bold(status.application.name);
  const at = `${name} runs at ${paint.bold(status.active)}`;
  if (status.activeRun !== null) {
    return `${at}; ${paint.yellow(`${status.activeRun.kind} to ${status.activeRun.to} is under way`)}`;
  }
  if (status.controller.role === "follower") return `${at}; ${paint.yellow(FOLLOWS)}`;
  const verdict = status.decision?.verdict ?? "unknown";
  const word = verdict === "none" ? paint.green("healthy") : paint.red(`verdict ${verdict}`);
  const shield = status.protected.yes ? paint.green("protected") : paint.yellow("NOT protected");
  // Why it is not protected stands with the standbys below, one reason a line.
  const why =
    status.protected.yes || status.standbys.length === 0 ? ` (${status.protected.why})` : "";
  return `${at}: ${word}, ${shield}${why}`;
}

/** What a controller that does not lead can say: a verdict of "unknown" would be an alarm. */
export const FOLLOWS: string =
  "this controller follows and knows neither verdict nor protection. Ask the leader, the one whose /ready answers 200";

function siteLines(status: StatusDocument): readonly string[] {
  const rows = status.sites.map((site) => [
    site.id,
    site.role,
    site.score === null ? "?" : String(site.score),
    site.level ?? "?",
    site.coverage === null ? "?" : `${Math.round(site.coverage * 100)} %`,
  ]);
  const table = textTable(["SITE", "ROLE", "SCORE", "LEVEL", "COVERAGE"], rows);
  const troubles = status.sites.flatMap((site) =>
    site.troubles.map((trouble) => `  ${site.id}: ${trouble}`),
  );
  return [...table, ...troubles];
}

function standbyLines(
  standby: StandbyDocument,
  status: StatusDocument,
  paint: Terminal["paint"],
): readonly string[] {
  const { replication } = standby;
  const lag =
    replication === null
      ? "replication unknown"
      : `replication ${replication.state}, lag ${durationText(replication.lagMs)}, a move now would lose at most ${durationText(replication.lossBoundMs)} (objective ${durationText(status.application.objectives.rpoMs)})`;
  const word = standby.ready ? paint.green("ready") : paint.yellow("not ready");
  return [
    `Standby ${standby.site} is ${word}; ${lag}`,
    ...(replication === null || replication.objects === null
      ? []
      : [`  ${objectCopyText(replication.objects)}`]),
    ...standby.reasons.map((reason) => `  ✗ ${reason}`),
  ];
}

function runLines(run: RunDocument | null, paint: Terminal["paint"]): readonly string[] {
  if (run === null) return [];
  return [
    "",
    `Run ${run.id}: ${paint.yellow(run.status)}, ${run.stepsDone} of ${run.stepsTotal} steps`,
    ...run.current.map((title) => `  ▸ ${title}`),
    ...(run.waitingFor === null ? [] : [`  ${waitingText(run)}`]),
    `  cloudphoenix run show ${run.id}`,
  ];
}

function footer(status: StatusDocument): string {
  const { controller, modes } = status;
  const byLevel = Object.entries(modes)
    .map(([level, mode]) => `${level} ${mode}`)
    .join(", ");
  return `${clockText(status.atMs)} · generation ${status.generation} · ${controller.role} epoch ${controller.epoch ?? "–"} · modes: ${byLevel}`;
}
