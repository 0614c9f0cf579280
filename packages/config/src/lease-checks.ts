/** What the lease asks of the rest of the file. */

import { parseDuration } from "./duration.ts";
import type { Finding } from "./explain-issue.ts";
import { rawAt, rawList, rawText } from "./raw-document.ts";

/** As many renewals must fit into a lease: one that is lost must not cost it. */
const RENEWALS_MIN = 3;

/** Everything wrong between the lease and other parts of the raw document. */
export function leaseChecks(document: unknown): readonly Finding[] {
  const leased = rawAt(document, ["lease"]) !== undefined;
  if (!leased) return [...keepersWithoutLease(document), ...fenceWithoutLease(document)];
  return [...leaseTimes(document), ...keepers(document)];
}

function keepersWithoutLease(document: unknown): readonly Finding[] {
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index, "keeper"];
    if (rawAt(document, path) === undefined) return [];
    const suggestion = "add a `lease` section, or remove the keeper";
    const message = "keeps a lease, but there is none";
    return [{ path, part: "key" as const, message, suggestion }];
  });
}

function fenceWithoutLease(document: unknown): readonly Finding[] {
  const path = ["policy", "fence_min"];
  if (rawText(document, path) !== "lease-expired") return [];
  const message = "asks for an expired lease, but no lease is configured";
  const suggestion = "add a `lease` section, or choose `network` or `confirmed`";
  return [{ path, part: "value", message, suggestion }];
}

function leaseTimes(document: unknown): readonly Finding[] {
  const written = (key: string, fallbackMs: number): number =>
    parseDuration(rawText(document, ["lease", key]) ?? "") ?? fallbackMs;
  const ttlMs = written("ttl", 10_000);
  const found: Finding[] = [];
  const say = (key: string, message: string, suggestion: string): void => {
    const path = rawAt(document, ["lease", key]) === undefined ? ["lease"] : ["lease", key];
    found.push({ path, part: "value", message, suggestion });
  };
  if (written("renew", 2_000) * RENEWALS_MIN > ttlMs) {
    const help = `renew at least ${RENEWALS_MIN} times in \`ttl\``;
    say("renew", "is too long for the lease: one lost renewal would end it", help);
  }
  if (written("margin", 1_000) > ttlMs) {
    say("margin", "is longer than the lease itself", "choose a fraction of `ttl`");
  }
  return found;
}

/** Each site needs an agent that keeps its lease, and that agent its ways. */
function keepers(document: unknown): readonly Finding[] {
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index];
    const id = rawText(document, [...path, "id"]) ?? "";
    const found: Finding[] = [];
    if (rawAt(document, [...path, "keeper"]) === undefined) {
      const message = "has no `keeper`, so nobody would renew its lease";
      const suggestion = "add `keeper` with the agent's ways to database, witness and peers";
      found.push({ path, part: "value", message, suggestion });
    }
    if (agentsAt(document, id) !== 1) {
      const message = `\`${id}\` needs exactly one vantage with an agent, which keeps its lease`;
      const suggestion = "name the site in one vantage that has an `agent`";
      found.push({ path: [...path, "id"], part: "value", message, suggestion });
    }
    return found;
  });
}

function agentsAt(document: unknown, site: string): number {
  return rawList(document, ["vantages"]).filter(
    (vantage) => rawText(vantage, ["site"]) === site && rawAt(vantage, ["agent"]) !== undefined,
  ).length;
}
