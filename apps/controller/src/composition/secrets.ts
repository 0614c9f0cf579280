/** Reads every secret the configuration names, once, before anything starts. */

import { type Configuration, readSecretFile } from "@cloudphoenix/config";
import { CloudPhoenixError, messageOf, type SiteId } from "@cloudphoenix/core";

export interface Secrets {
  readonly providerTokens: ReadonlyMap<SiteId, string>;
  readonly networkToken: string | null;
  readonly agentTokens: ReadonlyMap<string, string>;
  readonly tsig: Buffer;
  /** In the order of `notify`. */
  readonly webhooks: readonly string[];
}

/**
 * The secrets, except database passwords (those are read at every connection, so that they can be
 * rotated; here they are only tried).
 * @throws {CloudPhoenixError} `CONFIG_INVALID` naming every file that cannot be used
 */
export async function readSecrets(configuration: Configuration): Promise<Secrets> {
  const { sites, vantages, traffic, networkFence, notify } = configuration;
  const reader = new SecretReader();
  const providerTokens = new Map<SiteId, string>();
  for (const site of sites) {
    providerTokens.set(site.id, await reader.read(site.provider.tokenFile));
    await reader.read(site.database.passwordFile);
    await reader.read(site.database.peerPasswordFile);
  }
  const agentTokens = new Map<string, string>();
  for (const { id, agent } of vantages) {
    if (agent !== null) agentTokens.set(id, await reader.read(agent.tokenFile));
  }
  const networkToken = networkFence === null ? null : await reader.read(networkFence.tokenFile);
  const tsig = Buffer.from(await reader.read(traffic.tsig.secretFile), "base64");
  const webhooks: string[] = [];
  for (const { urlFile } of notify) webhooks.push(await reader.read(urlFile));
  reader.refuseIfAnyFailed();
  return { providerTokens, networkToken, agentTokens, tsig, webhooks };
}

/** Collects every failure, so that one start shows all of them. */
class SecretReader {
  readonly #failures = new Set<string>();

  async read(path: string): Promise<string> {
    try {
      return await readSecretFile(path);
    } catch (error) {
      const hint = error instanceof CloudPhoenixError ? ` ${error.hint ?? ""}` : "";
      this.#failures.add(`${messageOf(error)}.${hint}`);
      return "";
    }
  }

  refuseIfAnyFailed(): void {
    if (this.#failures.size === 0) return;
    throw new CloudPhoenixError("CONFIG_INVALID", [...this.#failures].join("\n"), {
      retryable: false,
      hint: "Correct every file named above, then start again.",
    });
  }
}
