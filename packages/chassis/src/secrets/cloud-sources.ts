/**
 * Secrets from AWS Secrets Manager and Azure Key Vault.
 *
 * The clients' own retries are off and every read gets an abort signal: both clients have been seen
 * to wait for ever on an endpoint that accepts and then says nothing.
 */
import type { TokenCredential } from "@azure/identity";
import type { SecretClientOptions } from "@azure/keyvault-secrets";
import { loadOnce } from "../resilience/load-once.ts";
import { awsCredential, type Environment } from "./cloud-credentials.ts";
import type { SecretSource } from "./secret.ts";

/** A secret in AWS Secrets Manager, current version. */
export interface AwsSecretOptions {
  /** Name or ARN. */
  readonly id: string;
  /** Of a secret that is a JSON object; null: the whole text. */
  readonly field: string | null;
  /** Where the role of the pod is looked for. Default: the SDK's own default chain decides. */
  readonly environment?: Environment;
  /** Default: as the SDK finds it. */
  readonly region?: string;
  /** Default: as the SDK finds it. */
  readonly endpoint?: string;
}

/** A secret in Azure Key Vault, newest version. */
export interface AzureSecretOptions {
  /** `https://<vault>.vault.azure.net` */
  readonly vault: string;
  readonly name: string;
  readonly field: string | null;
  /** Asked for at the first read. */
  readonly credential: () => Promise<TokenCredential>;
  readonly client?: SecretClientOptions;
}

/** Reads from AWS Secrets Manager. */
export function awsSecret(options: AwsSecretOptions): SecretSource {
  const opening = loadOnce(() => import("@aws-sdk/client-secrets-manager"));
  const client = loadOnce(async () => {
    const { SecretsManagerClient } = await opening();
    const credentials = await awsCredential(options.environment ?? {});
    return new SecretsManagerClient({
      maxAttempts: 1,
      ...(credentials === null ? {} : { credentials }),
      ...(options.region === undefined ? {} : { region: options.region }),
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    });
  });
  return {
    read: async (signal) => {
      const { GetSecretValueCommand } = await opening();
      const manager = await client();
      const answer = await manager.send(new GetSecretValueCommand({ SecretId: options.id }), {
        abortSignal: signal,
      });
      return {
        value: fieldOf(answer.SecretString ?? "", options.field),
        writtenAtMs: answer.CreatedDate?.getTime() ?? null,
        // Its secrets never expire; they are rotated, or are not.
        expiresAtMs: null,
      };
    },
  };
}

/** Reads from Azure Key Vault. */
export function azureSecret(options: AzureSecretOptions): SecretSource {
  const client = loadOnce(async () => {
    const { SecretClient } = await import("@azure/keyvault-secrets");
    return new SecretClient(options.vault, await options.credential(), {
      retryOptions: { maxRetries: 0 },
      ...options.client,
    });
  });
  return {
    read: async (signal) => {
      const vault = await client();
      const answer = await vault.getSecret(options.name, { abortSignal: signal });
      const { createdOn, expiresOn } = answer.properties;
      return {
        value: fieldOf(answer.value ?? "", options.field),
        writtenAtMs: createdOn?.getTime() ?? null,
        expiresAtMs: expiresOn?.getTime() ?? null,
      };
    },
  };
}

function fieldOf(text: string, field: string | null): string {
  const value = field === null ? text : fieldOfJson(text, field);
  if (value === "") throw new Error("the secret is empty");
  return value;
}

function fieldOfJson(text: string, field: string): string {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // Without the cause: it would quote the secret.
    throw new Error("the secret is not JSON but a field of it was asked for");
  }
  if (typeof content !== "object" || content === null || !(field in content)) {
    throw new Error(`the secret has no field ${field}`);
  }
  const value: unknown = Reflect.get(content, field);
  if (typeof value === "string") return value;
  throw new Error(`the field ${field} of the secret is not text`);
}
