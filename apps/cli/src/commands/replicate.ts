import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { type ObjectCopyDocument, objectCopyText } from "../render/object-copy-text.ts";
import { durationText } from "../render/duration-text.ts";
import { type SetupDocument, setupStatusText } from "../render/setup-text.ts";
import { setUpReplication, type SetupWish } from "../set-up-replication.ts";

interface ReplicationDocument {
  readonly standby: string;
  readonly state: string;
  readonly lagMs: number | null;
  readonly lagBytes: string | null;
  readonly lossBoundMs: number | null;
  readonly detail: string;
  readonly schemaDifferences: readonly string[] | null;
  readonly objects: ObjectCopyDocument | null;
}

interface ReplicationAnswer {
  readonly replications: readonly ReplicationDocument[];
  readonly setup: SetupDocument | null;
}

/** `cloudphoenix replicate …`: how far each standby is behind, and making one follow. */
export function registerReplicate(program: Command, context: CommandContext): void {
  const replicate = program
    .command("replicate")
    .description("Set up replication between sites, and look at it.");
  registerStatus(replicate, context);
  registerSetup(replicate, context);
}

function registerStatus(replicate: Command, context: CommandContext): void {
  replicate
    .command("status")
    .description(
      "Show lag, what a move now would lose, and schema differences per standby, and the newest set-up.",
    )
    .action(async (_options: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const answer = await api.send<ReplicationAnswer>("/v1/replication");
        const standbys = answer.replications.flatMap((standby) => standbyLines(standby));
        const lines = standbys.length === 0 ? ["No site follows the active one."] : standbys;
        const setup = answer.setup === null ? [] : [setupStatusText(answer.setup)];
        terminal.result(answer, [...lines, ...setup].join("\n"));
        return EXIT_CODES.done;
      });
    });
}

function registerSetup(replicate: Command, context: CommandContext): void {
  const command = replicate
    .command("setup")
    .description(
      "Make the standby follow the active site: for the first time, after tables were added at both sites, or after triggers were switched. Prints what it will make and wants it confirmed; a healthy pair is left as it is.",
    )
    .option("--to <site>", "the site that is to follow (default: the only one that is not active)")
    .option("--dry-run", "only list what would be made and every problem; changes nothing")
    .option("--reason <text>", "why; kept in the audit log; needed unless --dry-run")
    .option("--by <name>", "in whose name (default: your login name)")
    .option("--yes", "do not ask for the typed confirmation")
    .option("--detach", "return as soon as it has begun; Ctrl-C leaves it running as well");
  command.action(async () => {
    await context.invoke(command, (invocation) =>
      setUpReplication(invocation, command.opts<SetupWish>()),
    );
  });
}

function standbyLines(standby: ReplicationDocument): readonly string[] {
  const differences = standby.schemaDifferences;
  return [
    `${standby.standby}: ${standby.state} (${standby.detail})`,
    `  lag ${durationText(standby.lagMs)}, ${standby.lagBytes ?? "unknown"} bytes; a move now would lose at most ${durationText(standby.lossBoundMs)}`,
    ...(standby.objects === null ? [] : [`  ${objectCopyText(standby.objects)}`]),
    ...(differences === null
      ? ["  schemas could not be compared"]
      : differences.map((difference) => `  ✗ schema differs: ${difference}`)),
  ];
}
