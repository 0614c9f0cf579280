/** What `terraform output -json` of one of this project's stacks says about a site. */

import { CloudPhoenixError } from "@cloudphoenix/core";
import { z } from "zod";

/** One site as its stack describes it, in the words of the configuration file. */
export interface TerraformStack {
  /** The file it was read from, for messages. */
  readonly file: string;
  readonly application: string;
  /** Whether the stack is sized to serve users now. */
  readonly isActive: boolean;
  /** An element of `sites`, without its keeper. */
  readonly site: StackSite;
  /** What of a keeper the stack knows: all but the way to the witness. */
  readonly keeper: Readonly<Record<string, string>>;
  readonly agent: { readonly url: string; readonly token_file: string };
  /** The `traffic` section; null if this stack does not name it. */
  readonly traffic: Readonly<Record<string, unknown>> | null;
}

/** The parts of a site that other sections are made from; the rest passes through unread. */
interface StackSite {
  readonly id: string;
  readonly cloud: string;
  readonly entry: { readonly url: string };
  readonly objects?: unknown;
}

/** Outputs are a few kilobytes; a state file given by mistake is not, and may hold secrets. */
const TEXT_MAX = 1_000_000;

const OUTPUT = z.object({
  version: z.literal(1),
  application: z.object({ name: z.string() }),
  posture: z.enum(["active", "warm-standby"]),
  site: z.looseObject({
    id: z.string(),
    cloud: z.string(),
    entry: z.looseObject({ url: z.string() }),
    objects: z.unknown(),
  }),
  keeper: z.record(z.string(), z.string()),
  agent: z.object({ url: z.string(), token_file: z.string() }),
  traffic: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Reads the output `cloudphoenix` out of `text`, which stood in `file`.
 *
 * @throws {CloudPhoenixError} `CONFIG_INVALID` if it is not there or of another shape; values are
 *   not repeated
 */
export function readTerraformStack(text: string, file: string): TerraformStack {
  if (text.length > TEXT_MAX) throw refused(`${file} is larger than ${TEXT_MAX} characters`);
  const outputs = z.object({ cloudphoenix: z.object({ value: z.unknown() }) });
  const found = outputs.safeParse(jsonOf(text, file));
  if (!found.success) throw refused(`${file} has no output \`cloudphoenix\``);
  const read = OUTPUT.safeParse(withoutNulls(found.data.cloudphoenix.value));
  if (!read.success) {
    const places = read.error.issues.map(({ path }) => path.join(".")).join(", ");
    throw refused(
      `the output \`cloudphoenix\` in ${file} is not of this version; look at ${places}`,
    );
  }
  const { application, posture, site, keeper, agent, traffic = null } = read.data;
  return {
    file,
    application: application.name,
    isActive: posture === "active",
    site,
    keeper,
    agent,
    traffic,
  };
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`${file} is not JSON`, cause);
  }
}

/** Terraform writes an attribute that is left out as null; the configuration leaves it out. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}

function refused(message: string, cause?: unknown): CloudPhoenixError {
  return new CloudPhoenixError("CONFIG_INVALID", message, {
    retryable: false,
    hint: "Write it with `terraform output -json` in deploy/terraform/stacks/aws or stacks/azure.",
    cause,
  });
}
