/** The command line reference, made from the commands themselves. */
import type { Argument, Command, Option } from "commander";
import { buildProgram, EXIT_CODE_MEANINGS, EXIT_CODES } from "@cloudphoenix/cli";

/** `docs/reference/cli.md`. */
export function cliReference(): string {
  const program = documented();
  return [
    "# Command line reference",
    "",
    "*Made from the commands by `npm run docs`; do not edit.*",
    "",
    program.description(),
    "",
    "## Options of every command",
    "",
    ...optionLines(program),
    "",
    "Results go to standard output, progress and errors to standard error. `NO_COLOR` switches colour off.",
    "",
    ...leaves(program).flatMap((command) => section(command)),
    "## Exit codes",
    "",
    "| Code | Meaning |",
    "| --- | --- |",
    ...Object.entries(EXIT_CODES).map(
      ([name, code]) =>
        `| ${code} | ${EXIT_CODE_MEANINGS[name as keyof typeof EXIT_CODE_MEANINGS]} |`,
    ),
    "",
  ].join("\n");
}

/** Every command and command group that can be typed, without the program's name. */
export function commandPaths(): ReadonlySet<string> {
  const paths = new Set<string>();
  const walk = (command: Command, path: string): void => {
    for (const child of command.commands) {
      const childPath = `${path} ${child.name()}`.trim();
      paths.add(childPath);
      walk(child, childPath);
    }
  };
  walk(documented(), "");
  return paths;
}

function documented(): Command {
  return buildProgram({ invoke: () => Promise.resolve() });
}

function leaves(command: Command): readonly Command[] {
  if (command.commands.length === 0) return [command];
  return command.commands.flatMap((child) => leaves(child));
}

function section(command: Command): readonly string[] {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  const usage = command.registeredArguments.map((argument) => argumentText(argument));
  return [
    `## ${names.join(" ")}`,
    "",
    "```",
    [...names, ...usage, ...(command.options.length > 0 ? ["[options]"] : [])].join(" "),
    "```",
    "",
    command.description(),
    "",
    ...command.registeredArguments
      .filter((argument) => argument.description !== "")
      .map((argument) => `- \`${argument.name()}\`: ${argument.description}`),
    ...optionLines(command),
    "",
  ];
}

function argumentText(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

function optionLines(command: Command): readonly string[] {
  if (command.options.length === 0) return [];
  return [
    "| Option | Meaning |",
    "| --- | --- |",
    ...command.options.map((option) => `| \`${option.flags}\` | ${optionText(option)} |`),
  ];
}

function optionText(option: Option): string {
  const value: unknown = option.defaultValue;
  const shown =
    typeof value === "string" || typeof value === "number" ? ` (default: ${value})` : "";
  return `${option.description}${option.mandatory ? " (required)" : ""}${shown}`.replaceAll(
    "|",
    "\\|",
  );
}
