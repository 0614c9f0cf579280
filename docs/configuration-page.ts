/** The configuration reference, made from the schema. */
import { configurationReference } from "@cloudphoenix/config";

/** `docs/reference/configuration.md`. */
export function configurationPage(): string {
  return [
    "# Configuration reference",
    "",
    "*Made from the schema by `npm run docs`; do not edit.*",
    "",
    "One YAML file describes application, sites, signals and policy; the controller and every agent read the same file.",
    "`cloudphoenix config check FILE` names every mistake with line, column and a suggestion. Times are texts such as",
    "`250ms`, `5s` or `2m`; file names are relative to the file; secrets stand in files of their own, never in this one.",
    "",
    "| Field | Type | Default | Meaning |",
    "| --- | --- | --- | --- |",
    ...configurationReference().map(
      (row) =>
        `| \`${row.path}\` | ${cell(row.type)} | ${row.required ? "**required**" : row.default === null ? "" : `\`${cell(row.default)}\``} | ${cell(row.description)} |`,
    ),
    "",
    "Environment: `CLOUDPHOENIX_STATE_URL` (a `postgresql://` URL) replaces `state`.",
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
