/** From a reference to a secret that can be read. */
import { azureCredential, staticKeyWarning, type Environment } from "./cloud-credentials.ts";
import { awsSecret, azureSecret } from "./cloud-sources.ts";
import { environmentSecret, fileSecret } from "./local-sources.ts";
import { Secret, type SecretOptions, type SecretSource } from "./secret.ts";
import { parseSecretReference, type SecretReference } from "./secret-reference.ts";

/** What opening a secret needs to know besides its reference. */
export interface OpenSecretOptions extends SecretOptions {
  readonly environment: Environment;
  /** Something that works and should not be left so. For the log, level `warn`. */
  readonly onWarning: (sentence: string) => void;
}

/** A file is read again for every use: that costs nothing, and a rotation counts at once. */
const FILE_KEEP_MS = 0;

/**
 * The secret `reference` names; nothing is read yet.
 * @throws {Error} if the reference cannot be understood
 */
export function openSecret(reference: string, options: OpenSecretOptions): Secret {
  const parsed = parseSecretReference(reference);
  if (parsed === null) throw new Error("not a reference to a secret");
  if (parsed.kind === "aws" || parsed.kind === "azure") {
    const warning = staticKeyWarning(parsed.kind, options.environment);
    if (warning !== null) options.onWarning(warning);
  }
  const keep = parsed.kind === "file" ? { keepMs: FILE_KEEP_MS } : {};
  return new Secret(sourceOf(parsed, options.environment), { ...keep, ...options });
}

function sourceOf(reference: SecretReference, environment: Environment): SecretSource {
  switch (reference.kind) {
    case "file":
      return fileSecret(reference.path);
    case "env":
      return environmentSecret(reference.name, environment);
    case "aws":
      return awsSecret({ ...reference, environment });
    case "azure":
    default:
      return azureSecret({ ...reference, credential: () => azureCredential(environment) });
  }
}
