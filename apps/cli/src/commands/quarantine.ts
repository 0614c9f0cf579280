import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Command } from "commander";
import type { ApiClient } from "../api-client.ts";
import type { CommandContext, Invocation } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { exportQuarantine } from "../export-quarantine.ts";
import { operatorName } from "../operator-name.ts";
import {
  type QuarantineAnswer,
  type QuarantineDocument,
  quarantineText,
  type ReapplyDocument,
  exportText,
  reapplyText,
} from "../render/quarantine-text.ts";
import { type RunWish, startRun, withRunOptions } from "../start-run.ts";

interface Given {
  readonly site?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly file?: string;
  readonly force?: boolean;
}

interface ShowWish {
  readonly rows: string;
  readonly objects: string;
}

const SHOW_WITHIN_MS = 70_000;
const REAPPLY_WITHIN_MS = 610_000;

/** `cloudphoenix quarantine …`: a returned old primary, and what becomes of what it alone has. */
export function registerQuarantine(program: Command, context: CommandContext): void {
  const quarantine = program
    .command("quarantine")
    .description("A site that came back: what it alone holds, and what becomes of it.");
  registerShow(quarantine, context);
  registerExport(quarantine, context);
  registerAccept(quarantine, context);
  registerReapply(quarantine, context);
  registerRejoin(quarantine, context);
}

function registerShow(quarantine: Command, context: CommandContext): void {
  quarantine
    .command("show [site]")
    .description("Show what a quarantined site holds that no other has, and what to do next.")
    .option("--rows <n>", "how many of the changes to print", "20")
    .option("--objects <n>", "how many of the objects to print; 0 compares none", "20")
    .action(async (site: string | undefined, given: ShowWish, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const found = await quarantines(api, site);
        const views = await Promise.all(
          found.map((one) =>
            api.send<QuarantineAnswer>(
              `/v1/quarantine/${encodeURIComponent(one.site)}?rows=${Number(given.rows)}&objects=${Number(given.objects)}`,
              { timeoutMs: SHOW_WITHIN_MS },
            ),
          ),
        );
        const text = views.map((view) => quarantineText(view, terminal.paint)).join("\n\n");
        terminal.result({ quarantines: views }, text === "" ? "No site is quarantined." : text);
        return EXIT_CODES.done;
      });
    });
}

function registerExport(quarantine: Command, context: CommandContext): void {
  const command = quarantine
    .command("export")
    .description(
      "Keep every change that only the site has in a file (JSON lines, mode 0600), and the list of the objects in one beside it (lost.jsonl: lost.objects.jsonl).",
    )
    .requiredOption("--file <file>", "where to write; an existing file is refused")
    .option("--force", "overwrite the files")
    .option("--site <site>", "which site (default: the only quarantined one)")
    .option("--by <name>", "in whose name (default: your login name)");
  command.action(async () => {
    await context.invoke(command, async ({ terminal, options, signal }) => {
      const given = command.opts<Given>();
      const api = await connect(options, process.env);
      const site = await theSite(api, given.site);
      const stored = await exportQuarantine(
        api,
        { site, file: given.file ?? "", force: given.force ?? false, by: operatorName(given.by) },
        signal,
      );
      terminal.result({ site, ...stored }, exportText(site, stored));
      return stored.trouble === null ? EXIT_CODES.done : EXIT_CODES.unavailable;
    });
  });
}

function registerAccept(quarantine: Command, context: CommandContext): void {
  const command = quarantine
    .command("accept")
    .description("Give up what only the site has, in your name. It may take several people.")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .option("--site <site>", "which site (default: the only quarantined one)")
    .option("--by <name>", "in whose name (default: your login name)");
  command.action(async () => {
    await context.invoke(command, (invocation) => accept(invocation, command.opts<Given>()));
  });
}

async function accept({ terminal, options }: Invocation, given: Given): Promise<ExitCode> {
  const api = await connect(options, process.env);
  const site = await theSite(api, given.site);
  const answer = await api.send<{ quarantine: QuarantineDocument }>(
    `/v1/quarantine/${encodeURIComponent(site)}/accept`,
    { method: "POST", body: { by: operatorName(given.by), reason: given.reason } },
  );
  const { missing } = answer.quarantine;
  terminal.result(
    answer,
    missing ??
      `The loss at ${site} is accepted. Next: cloudphoenix quarantine rejoin --site ${site} --reason TEXT`,
  );
  return missing === null ? EXIT_CODES.done : EXIT_CODES.needsPerson;
}

function registerReapply(quarantine: Command, context: CommandContext): void {
  const command = quarantine
    .command("reapply")
    .description("Write what only the site has to the current writer; conflicts are left out.")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .option("--site <site>", "which site (default: the only quarantined one)")
    .option("--by <name>", "in whose name (default: your login name)");
  command.action(async () => {
    await context.invoke(command, (invocation) => reapply(invocation, command.opts<Given>()));
  });
}

async function reapply({ terminal, options }: Invocation, given: Given): Promise<ExitCode> {
  const api = await connect(options, process.env);
  const site = await theSite(api, given.site);
  const result = await api.send<ReapplyDocument>(
    `/v1/quarantine/${encodeURIComponent(site)}/reapply`,
    {
      method: "POST",
      body: { by: operatorName(given.by), reason: given.reason },
      timeoutMs: REAPPLY_WITHIN_MS,
    },
  );
  terminal.result({ site, ...result }, reapplyText(site, result));
  return result.conflicting === 0 ? EXIT_CODES.done : EXIT_CODES.needsPerson;
}

function registerRejoin(quarantine: Command, context: CommandContext): void {
  const command = quarantine
    .command("rejoin")
    .description(
      "Repair the site by key and make it the standby. Wants a decision about what it alone holds first.",
    )
    .option("--site <site>", "which site (default: the only quarantined one)");
  withRunOptions(command).action(async () => {
    await context.invoke(command, async (invocation) => {
      const given = command.opts<RunWish & Pick<Given, "site">>();
      const api = await connect(invocation.options, process.env);
      const site = await theSite(api, given.site);
      return startRun(invocation, "rejoin", { ...given, to: site });
    });
  });
}

async function quarantines(
  api: ApiClient,
  site: string | undefined,
): Promise<readonly QuarantineDocument[]> {
  const answer = await api.send<{ quarantines: QuarantineDocument[] }>("/v1/quarantine");
  const found = answer.quarantines.filter((one) => site === undefined || one.site === site);
  if (found.length > 0 || site === undefined) return found;
  throw notQuarantined(`${site} is not quarantined`);
}

/** The site that is meant. @throws {CloudPhoenixError} `NOT_FOUND`, `BAD_REQUEST` if several are */
async function theSite(api: ApiClient, site: string | undefined): Promise<string> {
  const found = await quarantines(api, site);
  const [only, ...others] = found;
  if (only === undefined) throw notQuarantined("no site is quarantined");
  if (others.length === 0) return only.site;
  throw new CloudPhoenixError("BAD_REQUEST", `${found.length} sites are quarantined`, {
    retryable: false,
    hint: `Add --site with one of: ${found.map((one) => one.site).join(", ")}.`,
  });
}

function notQuarantined(message: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", message, {
    retryable: false,
    hint: "See: cloudphoenix status.",
  });
}
