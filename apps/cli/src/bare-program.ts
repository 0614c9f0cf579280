/** The command line without its commands: name, version and the options every command takes. */
import { Command } from "commander";
import { PRODUCT_VERSION } from "./product-version.ts";
import { LOG_LEVELS } from "./terminal.ts";

export function bareProgram(): Command {
  return new Command("cloudphoenix")
    .description("Keeps an application alive when a region, or a whole cloud, fails.")
    .version(PRODUCT_VERSION)
    .option("--json", "print the result as JSON on standard output")
    .option("--quiet", "print results and errors only")
    .option("--no-color", "no colour (also: NO_COLOR)")
    .option("--log-file <file>", "append everything said, as JSON lines")
    .option("--log-level <level>", `how much to say: ${LOG_LEVELS.join(", ")}`, "info")
    .option("--config <file>", "the controller's configuration file, to find its API")
    .option("--url <url>", "the controller's API (also: CLOUDPHOENIX_URL)")
    .option("--token-file <file>", "file with the API token (also: CLOUDPHOENIX_TOKEN_FILE)")
    .option("--name <sandbox>", "which sandbox is meant", "default")
    .option("--dir <folder>", "folder of the sandboxes (default: .cloudphoenix)")
    .exitOverride()
    .showHelpAfterError("(cloudphoenix --help lists the commands)")
    .showSuggestionAfterError();
}
