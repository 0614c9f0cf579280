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
  const tsig = await reader.readKey(traffic.tsig.secretFile);
  const webhooks: string[] = [];
  for (const { urlFile } of notify) webhooks.push(await reader.read(urlFile));
  reader.refuseIfAnyFailed();
  return { providerTokens, networkToken, agentTokens, tsig, webhooks };
}

/** A shorter key can be guessed or is no base64 at all; `tsig-keygen` makes 32 bytes. */
const KEY_MIN_BYTES = 16;

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

  /** A key in base64. Anything else decodes to something short, which would sign nothing safely. */
  async readKey(path: string): Promise<Buffer> {
    const text = await this.read(path);
    const key = Buffer.from(text, "base64");
    if (text !== "" && key.length < KEY_MIN_BYTES) {
      this.#failures.add(`key file ${path} does not hold ${KEY_MIN_BYTES} bytes of base64.`);
    }
    return key;
  }

  refuseIfAnyFailed(): void {
    if (this.#failures.size === 0) return;
    throw new CloudPhoenixError("CONFIG_INVALID", [...this.#failures].join("\n"), {
      retryable: false,
      hint: "Correct every file named above, then start again.",
    });
  }
}
