/**
 * Whom the service is to the clouds: a role of the machine or pod first, static keys if it must be.
 *
 * - AWS: the SDK's own default chain (environment, IRSA web identity, container, instance role).
 * - Azure: workload identity if the pod has one, else the managed identity of the machine.
 *
 * Static keys work, because a laptop has no role, but each use of them is worth a warning: they do
 * not expire, and they are copied.
 */
import type { TokenCredential } from "@azure/identity";

/** What is decided from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which credentials the environment leads to. */
export type CredentialKind = "static-key" | "web-identity" | "platform-role";

/** What AWS's default chain will find first in `environment`. */
export function awsCredentialKind(environment: Environment): CredentialKind {
  if (isSet(environment, "AWS_ACCESS_KEY_ID")) return "static-key";
  return isSet(environment, "AWS_WEB_IDENTITY_TOKEN_FILE") ? "web-identity" : "platform-role";
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
