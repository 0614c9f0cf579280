/**
 * Whom the service is to the clouds: a role of the machine or pod first, static keys if it must be.
 *
 * - AWS: the role of the pod (IRSA web identity) if it has one, also beside a key in the
 *   environment, which the SDK would prefer; else the SDK's own default chain.
 * - Azure: workload identity if the pod has one, else the managed identity of the machine.
 *
 * Static keys work, because a laptop has no role, but each use of them is worth a warning: they do
 * not expire, and they are copied.
 */
import type { TokenCredential } from "@azure/identity";
import type { fromTokenFile } from "@aws-sdk/credential-provider-web-identity";
import { hasSharedAwsKey } from "./shared-aws-key.ts";

/** What is decided from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which credentials the environment leads to. */
export type CredentialKind = "static-key" | "web-identity" | "platform-role";

/** Credentials as AWS's clients take them. */
export type AwsCredential = ReturnType<typeof fromTokenFile>;

/** What `awsCredential`, or else AWS's default chain, uses for `environment`. */
export function awsCredentialKind(environment: Environment): CredentialKind {
  if (isSet(environment, "AWS_WEB_IDENTITY_TOKEN_FILE") && isSet(environment, "AWS_ROLE_ARN")) {
    return "web-identity";
  }
  const hasKey = isSet(environment, "AWS_ACCESS_KEY_ID") || hasSharedAwsKey(environment);
  return hasKey ? "static-key" : "platform-role";
}

/** The role of the pod; null where it has none, which leaves the choice to the SDK's chain. */
export async function awsCredential(environment: Environment): Promise<AwsCredential | null> {
  if (awsCredentialKind(environment) !== "web-identity") return null;
  const { fromTokenFile: credentialFrom } = await import(
    "@aws-sdk/credential-provider-web-identity"
  );
  return credentialFrom({
    webIdentityTokenFile: environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? "",
    roleArn: environment["AWS_ROLE_ARN"] ?? "",
  });
}

/** What `azureCredential` uses for `environment`. */
export function azureCredentialKind(environment: Environment): CredentialKind {
  if (isSet(environment, "AZURE_FEDERATED_TOKEN_FILE")) return "web-identity";
  return isSet(environment, "AZURE_CLIENT_SECRET") ? "static-key" : "platform-role";
}

/**
 * A sentence about static keys if there are any in use, else null. Log it at level `warn`.
 * @param cloud - whose credentials are about to be used
 */
export function staticKeyWarning(cloud: "aws" | "azure", environment: Environment): string | null {
  const kind = cloud === "aws" ? awsCredentialKind(environment) : azureCredentialKind(environment);
  if (kind !== "static-key") return null;
  return cloud === "aws"
    ? "static AWS keys are in use: give the pod a role (IRSA) or the machine an instance profile"
    : "a static Azure client secret is in use: give the pod a workload identity or the machine a managed identity";
}

/** A credential for Azure clients. Developer tools are never asked: production has none. */
export async function azureCredential(environment: Environment): Promise<TokenCredential> {
  const { EnvironmentCredential, ManagedIdentityCredential, WorkloadIdentityCredential } =
    await import("@azure/identity");
  const kind = azureCredentialKind(environment);
  if (kind === "web-identity") return new WorkloadIdentityCredential();
  if (kind === "static-key") return new EnvironmentCredential();
  const clientId = environment["AZURE_CLIENT_ID"];
  return clientId === undefined || clientId === ""
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}

function isSet(environment: Environment, name: string): boolean {
  const value = environment[name];
  return value !== undefined && value !== "";
}
