/** Finds the controller a command means: by address, by configuration file, or the running sandbox. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { loadConfiguration } from "@cloudphoenix/config";
import { attachWorld } from "@cloudphoenix/sandbox";
import { ApiClient } from "./api-client.ts";
import type { GlobalOptions } from "./command-context.ts";

/** Folder of the sandboxes, below the working directory. */
const SANDBOX_DIRECTORY = ".cloudphoenix";

/** The folder that holds the sandboxes. */
export function sandboxDirectory(options: Pick<GlobalOptions, "dir">): string {
  return resolve(options.dir ?? SANDBOX_DIRECTORY);
}

/**
 * A client of the controller that the options mean, in this order: `--url` (or
 * `CLOUDPHOENIX_URL`) with `--token-file` (or `CLOUDPHOENIX_TOKEN_FILE`), `--config`, the sandbox
 * `--name` that runs here.
 * @throws {CloudPhoenixError} `NOT_RUNNING`, `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export async function connect(
  options: GlobalOptions,
  environment: NodeJS.ProcessEnv,
): Promise<ApiClient> {
  const url = options.url ?? environment["CLOUDPHOENIX_URL"];
  if (url !== undefined) {
    const tokenFile = options.tokenFile ?? environment["CLOUDPHOENIX_TOKEN_FILE"];
    if (tokenFile === undefined) throw noTokenFile(url);
    return new ApiClient({ url: checkedUrl(url), token: readToken(tokenFile) });
  }
  if (options.config !== undefined) {
    const { api } = await loadConfiguration(options.config, { environment });
    const address = `http://${api.listen.host}:${api.listen.port}`;
    return new ApiClient({ url: address, token: readToken(options.tokenFile ?? api.tokenFile) });
  }
  const { file } = await attachWorld({ name: options.name, directory: sandboxDirectory(options) });
  return connectTo(file.urls.controllers, file.apiTokenFile);
}

/** A client of the first of several controllers that leads; of the first if none says so. */
export async function connectTo(urls: readonly string[], tokenFile: string): Promise<ApiClient> {
  const token = readToken(tokenFile);
  const clients = urls.map((url) => new ApiClient({ url, token }));
  const [first, ...others] = clients;
  if (first === undefined) throw new RangeError("there is no controller");
  if (others.length === 0) return first;
  const ready = await Promise.all(
    clients.map(async (client) => {
      const answer = await fetch(new URL("/ready", client.url)).catch(() => null);
      return answer?.ok === true ? client : null;
    }),
  );
  return ready.find((client) => client !== null) ?? first;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new CloudPhoenixError("CONFIG_UNREADABLE", `the token file ${path} cannot be read`, {
      retryable: false,
      hint: "Name a file you may read; the controller wrote it at its first start (api.token_file).",
      cause,
    });
  }
}

function checkedUrl(url: string): string {
  if (URL.canParse(url)) return url;
  throw new CloudPhoenixError("BAD_REQUEST", `--url ${url} is not an address`, {
    retryable: false,
    hint: "Give it like http://127.0.0.1:20120.",
  });
}

function noTokenFile(url: string): CloudPhoenixError {
  return new CloudPhoenixError("UNAUTHORIZED", `no token for ${url}`, {
    retryable: false,
    hint: "Add --token-file, or set CLOUDPHOENIX_TOKEN_FILE.",
  });
}
