/** Where credentials for AWS come from: roles first, keys only if somebody hands them in. */
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { AwsCredentialIdentityProvider } from "@smithy/types";

/** Keys that somebody holds already, for the sandbox and for tests. */
export interface StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The SDK's chain (environment, IRSA, container, instance, profile), kept and renewed by it. */
export function defaultCredentials(region: string): AwsCredentialIdentityProvider {
  return defaultProvider({ clientConfig: { region } });
}
