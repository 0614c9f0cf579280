/** What an operator should know about a container before anything is copied. */
import type { StoreFinding } from "@cloudphoenix/objects";
import { child, childText, parseXml } from "@cloudphoenix/objects/wire";
import type { StorageCall, StorageClient } from "../storage-client.ts";

const ANSWER_MAX_BYTES = 256 * 1024;

export interface ContainerState {
  readonly findings: readonly StoreFinding[];
  readonly keepsDeleted: boolean;
}

/**
 * Looks at the container and the account's settings. What may not be looked at is a warning.
 * @throws {CloudPhoenixError} if the container itself cannot be used
 */
export async function inspectContainer(
  client: StorageClient,
  address: string,
  signal: AbortSignal,
): Promise<ContainerState> {
  const container = callTo("?restype=container", "looking at the container");
  await client.done({ ...container, method: "HEAD" }, signal);
  const findings: StoreFinding[] = [];
  if (await hasFolders(client, signal)) {
    findings.push({
      severity: "refuse",
      message: `${address} is in an account with a hierarchical namespace, which lists keys in another order`,
      hint: "Use an account without hierarchical namespace.",
    });
  }
  const days = await softDeleteDays(client, signal);
  if (days === null) {
    findings.push({
      severity: "warn",
      message: `whether ${address} keeps deleted objects cannot be seen with these rights`,
      hint: "Grant the right to read the Blob service's properties, or check soft delete by hand.",
    });
  } else if (days === 0) {
    findings.push({
      severity: "warn",
      message: `soft delete is off: what is deleted or overwritten in ${address} is gone`,
      hint: "Turn on soft delete for blobs for at least 7 days.",
    });
  }
  return { findings, keepsDeleted: days !== null && days > 0 };
}

async function hasFolders(client: StorageClient, signal: AbortSignal): Promise<boolean> {
  const call = callTo("?restype=account&comp=properties", "looking at the account");
  const answer = await client.tryAccountCall(call, signal);
  answer.body.resume();
  return answer.headers["x-ms-is-hns-enabled"] === "true";
}

/** 0 if soft delete is off; null if the settings may not be read. */
async function softDeleteDays(client: StorageClient, signal: AbortSignal): Promise<number | null> {
  const call = callTo("?restype=service&comp=properties", "looking at the account's settings");
  const answer = await client.tryAccountCall(call, signal);
  if (answer.status === 401 || answer.status === 403) {
    answer.body.resume();
    return null;
  }
  if (answer.status >= 300) throw await client.refuse(answer, call, signal);
  const body = await client.transport.collect(answer, ANSWER_MAX_BYTES, signal);
  const root = parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
  const policy = root === null ? undefined : child(root, "DeleteRetentionPolicy");
  if (policy === undefined || childText(policy, "Enabled") !== "true") return 0;
  return Number(childText(policy, "Days") ?? 1);
}

function callTo(query: string, doing: string): StorageCall {
  return { method: "GET", key: null, query, doing, notFound: "NOT_FOUND" };
}
