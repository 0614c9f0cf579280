import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { type ObjectCopyDocument, objectCopyText } from "../render/object-copy-text.ts";
import { durationText } from "../render/duration-text.ts";

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

/** `cloudphoenix replicate status`: how far each standby is behind. */
export function registerReplicate(program: Command, context: CommandContext): void {
  const replicate = program.command("replicate").description("Look at replication between sites.");
  replicate
    .command("status")
    .description("Show lag, what a move now would lose, and schema differences, per standby.")
    .action(async (_options: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const answer = await api.send<{ replications: ReplicationDocument[] }>("/v1/replication");
        const text = answer.replications.flatMap((standby) => standbyLines(standby)).join("\n");
        terminal.result(answer, text === "" ? "No site follows the active one." : text);
        return EXIT_CODES.done;
      });
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
