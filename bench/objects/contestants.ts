/** The two that copy: `cloudphoenix sync`, and Debian's rclone at its best settings for the job. */
import { join } from "node:path";
import type { Program } from "./measure.ts";
import type { Stage } from "./stage.ts";

export type Tool = "cloudphoenix" | "rclone";

const CLI = join(import.meta.dirname, "../../apps/cli/bin/cloudphoenix.js");

/** What `rclone` is told for a kind of job; each was the fastest of those tried. */
export const RCLONE_FLAGS = {
  small: ["--transfers", "32", "--checkers", "32", "--fast-list"],
  large: ["--transfers", "4", "--checkers", "32", "--fast-list"],
  /** Hashes from both listings: no request per object. */
  unchanged: ["--checksum", "--checkers", "32", "--fast-list"],
} as const;

export type FlagsName = keyof typeof RCLONE_FLAGS;

export interface CopyJob {
  readonly stage: Stage;
  readonly bucket: string;
  readonly container: string;
  readonly flags: FlagsName;
}

export function programOf(tool: Tool, { stage, bucket, container, flags }: CopyJob): Program {
  if (tool === "rclone") {
    const args = ["copy", ...RCLONE_FLAGS[flags], `s3:${bucket}`, `blob:${container}`];
    const { AWS_CA_BUNDLE: _unused, ...env } = process.env;
    return { command: "rclone", args, env: { ...env, RCLONE_CONFIG: stage.rcloneConfig } };
  }
  const places = [stage.s3Address(bucket), stage.blobAddress(container)];
  const args = [CLI, "sync", "--quiet", "--state-dir", join(stage.folder, "state"), ...places];
  return { command: process.execPath, args };
}
