/** The reference of error codes, made from the list in core. */
import { EXIT_CODES, exitCodeOf } from "@cloudphoenix/cli";
import { ERROR_MEANINGS, type ErrorCode } from "@cloudphoenix/core";

/** `docs/reference/errors.md`. */
export function errorsPage(): string {
  const codes = Object.keys(ERROR_MEANINGS) as ErrorCode[];
  return [
    "# Error codes",
    "",
    "*Made from the code by `npm run docs`; do not edit.*",
    "",
    "Programs match the code, people read the message, and the hint is the next thing to do. The same codes stand in",
    "`--json` output, in problem documents of the API and in step records.",
    "",
    "| Code | Meaning | Exit code of the command |",
    "| --- | --- | --- |",
    ...codes.map((code) => `| \`${code}\` | ${ERROR_MEANINGS[code]} | ${exitCodeOf(code)} |`),
    "",
    `Exit code ${EXIT_CODES.failed} stands for every failure that has no code of its own there.`,
    "",
  ].join("\n");
}
