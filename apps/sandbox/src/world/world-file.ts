/** `world.json`: what another terminal needs to find a running sandbox. Holds no secret. */
import { readFileSync } from "node:fs";
import type { RecordedProcess } from "../process/index.ts";
import type { WorldUrls } from "./world.ts";

export interface WorldFile {
  readonly name: string;
  /** The process that runs the sandbox. */
  readonly pid: number;
  readonly identity: string;
  readonly urls: WorldUrls;
  readonly configFile: string;
  readonly apiTokenFile: string;
  readonly controlTokenFile: string;
  /** As they were when the sandbox had started. */
  readonly processes: readonly RecordedProcess[];
}

/** Null if there is none. */
export function readWorldFile(path: string): WorldFile | null {
  try {
    const file: WorldFile = JSON.parse(readFileSync(path, "utf8"));
    return file;
  } catch {
    return null;
  }
}
