/** What one field cannot know of another: references, uniqueness, order. */

import { DEFAULT_POLICY } from "@cloudphoenix/core";
import { parseDuration } from "./duration.ts";
import type { Finding } from "./explain-issue.ts";
import { leaseChecks } from "./lease-checks.ts";
import { nearest } from "./nearest.ts";
import { objectChecks } from "./object-checks.ts";
import { rawAt, rawList, rawText, rawTexts } from "./raw-document.ts";

/** Everything wrong between the parts of the raw document; runs even if parts are wrong themselves. */
export function crossCheck(document: unknown): readonly Finding[] {
  return [
    ...uniqueIds(document, "sites"),
    ...uniqueIds(document, "vantages"),
    ...uniqueIds(document, "signals"),
    ...uniqueNames(document),
    ...sameAddresses(document),
    ...vantageSites(document),
    ...signalReferences(document),
    ...signalTimes(document),
    ...trafficZone(document),
    ...bandOrder(document),
    ...freezeOrder(document),
    ...leaseChecks(document),
    ...objectChecks(document),
  ];
}

type Path = readonly PropertyKey[];

function finding(path: Path, message: string, suggestion: string | null): Finding {
  return { path, part: "value", message, suggestion };
}

function duplicates(
  document: unknown,
  section: Path,
  key: string,
  noun: string,
): readonly Finding[] {
  const seen = new Map<string, number>();
  return rawList(document, section).flatMap((_, index) => {
    const path = [...section, index, key];
    const id = rawText(document, path);
    if (id === null) return [];
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      return [];
    }
    return [
      finding(
        path,
        `\`${id}\` is taken by entry ${first + 1}`,
        `give every ${noun} its own ${key}`,
      ),
    ];
  });
}

function uniqueIds(
  document: unknown,
  section: "sites" | "vantages" | "signals",
): readonly Finding[] {
  return duplicates(document, [section], "id", section.slice(0, -1));
}

function uniqueNames(document: unknown): readonly Finding[] {
  return duplicates(document, ["application", "workloads"], "name", "workload");
}

/** Two sites with one address could not be told apart in DNS. */
function sameAddresses(document: unknown): readonly Finding[] {
  const seen = new Set<string>();
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index, "entry", "address"];
    const address = rawText(document, path);
    if (address === null) return [];
    if (!seen.has(address)) {
      seen.add(address);
      return [];
    }
    const help = "give every site an address of its own: DNS tells sites apart by it";
    return [finding(path, `\`${address}\` is the address of another site`, help)];
  });
}

function idsOf(document: unknown, section: "sites" | "vantages"): readonly string[] {
  return rawList(document, [section]).flatMap(
    (_, index) => rawText(document, [section, index, "id"]) ?? [],
  );
}

function unknownReference(path: Path, id: string, noun: string, known: readonly string[]): Finding {
  const meant = nearest(id, known);
  const suggestion =
    meant === null ? `known ${noun}s: ${known.join(", ") || "none"}` : `did you mean \`${meant}\`?`;
  return finding(path, `there is no ${noun} \`${id}\``, suggestion);
}

function vantageSites(document: unknown): readonly Finding[] {
  const sites = idsOf(document, "sites");
  return rawList(document, ["vantages"]).flatMap((_, index) => {
    const path = ["vantages", index, "site"];
    const site = rawText(document, path);
    return site === null || sites.includes(site)
      ? []
      : [unknownReference(path, site, "site", sites)];
  });
}

function signalReferences(document: unknown): readonly Finding[] {
  const sites = idsOf(document, "sites");
  const vantages = idsOf(document, "vantages");
  return rawList(document, ["signals"]).flatMap((_, index) => {
    const path = ["signals", index];
    const site = rawText(document, [...path, "site"]);
    const asked = rawTexts(document, [...path, "vantages"]);
    return [
      ...(site === null || sites.includes(site)
        ? []
        : [unknownReference([...path, "site"], site, "site", sites)]),
      ...asked
        .filter(({ text }) => !vantages.includes(text))
        .map((entry) =>
          unknownReference([...path, "vantages", entry.index], entry.text, "vantage", vantages),
        ),
      ...repeatedVantages(path, asked),
      ...signalUrls(
        document,
        path,
        asked.map(({ text }) => text),
      ),
    ];
  });
}

function repeatedVantages(
  path: Path,
  asked: readonly { readonly index: number; readonly text: string }[],
): readonly Finding[] {
  const texts = asked.map(({ text }) => text);
  return asked
    .filter((entry, position) => texts.indexOf(entry.text) !== position)
    .map((entry) =>
      finding(
        [...path, "vantages", entry.index],
        `\`${entry.text}\` is listed twice`,
        "list each vantage once",
      ),
    );
}

function signalUrls(
  document: unknown,
  path: Path,
  vantages: readonly string[],
): readonly Finding[] {
  const url = rawAt(document, [...path, "url"]);
  const urls = rawAt(document, [...path, "urls"]);
  const kind = rawText(document, [...path, "kind"]) ?? "";
  const how = KNOWN_WITHOUT_ASKING[kind];
  if (how !== undefined) return readByController(document, { path, kind, how }, vantages);
  if (url !== undefined && urls !== undefined) {
    return [finding([...path, "urls"], "stands beside `url`", "keep one of the two")];
  }
  if (url === undefined && urls === undefined) {
    return [finding(path, "asks no URL", "add `url`, or `urls` with one URL per vantage")];
  }
  if (typeof urls !== "object" || urls === null) return [];
  const named = Object.keys(urls);
  return [
    ...named
      .filter((id) => !vantages.includes(id))
      .map((id) => ({
        ...unknownReference([...path, "urls", id], id, "vantage", vantages),
        part: "key" as const,
      })),
    ...vantages
      .filter((id) => !named.includes(id))
      .map((id) =>
        finding([...path, "urls"], `has no URL for vantage \`${id}\``, `add \`${id}: http://…\``),
      ),
  ];
}

/** What the controller knows without asking, by kind of signal: how it knows it. */
const KNOWN_WITHOUT_ASKING: Readonly<Record<string, string>> = {
  "replication-lag": "the controller reads the heartbeat",
  "object-backlog": "the controller reads what the follower tells",
};

/** Nobody else can be asked for what the controller itself reads. */
function readByController(
  document: unknown,
  { path, kind, how }: { readonly path: Path; readonly kind: string; readonly how: string },
  vantages: readonly string[],
): readonly Finding[] {
  const askedOfUrl = ["url", "urls"].filter((key) => rawAt(document, [...path, key]) !== undefined);
  const withAgent = rawList(document, ["vantages"]).flatMap((vantage, index) =>
    rawAt(vantage, ["agent"]) === undefined
      ? []
      : (rawText(document, ["vantages", index, "id"]) ?? []),
  );
  return [
    ...askedOfUrl.map((key) => ({
      ...finding([...path, key], `is not asked for ${kind}`, `remove it: ${how}`),
      part: "key" as const,
    })),
    ...vantages
      .filter((id) => withAgent.includes(id))
      .map((id) =>
        finding(
          [...path, "vantages"],
          `\`${id}\` is an agent, and ${kind.replace("-", " ")} is read by the controller`,
          "name the vantage that has no agent",
        ),
      ),
    ...(kind === "object-backlog" && rawAt(document, ["objects"]) === undefined
      ? [
          finding(
            [...path, "kind"],
            "speaks of objects, but the application has none",
            "add an `objects` section, or remove the signal",
          ),
        ]
      : []),
  ];
}

function signalTimes(document: unknown): readonly Finding[] {
  return rawList(document, ["signals"]).flatMap((_, index) => {
    const path = ["signals", index];
    const written = (key: string): number | null =>
      parseDuration(rawText(document, [...path, key]) ?? "");
    const intervalMs = written("interval") ?? 1000;
    const timeoutMs = written("timeout") ?? 500;
    const freshnessMs = written("freshness");
    const found: Finding[] = [];
    if (timeoutMs > intervalMs) {
      const where = rawAt(document, [...path, "timeout"]) === undefined ? "interval" : "timeout";
      found.push(
        finding(
          [...path, where],
          "the timeout is longer than the interval",
          "let one question end before the next",
        ),
      );
    }
    if (freshnessMs !== null && freshnessMs < intervalMs + timeoutMs) {
      const help = "choose at least interval + timeout; the default is 3 × interval + timeout";
      found.push(
        finding([...path, "freshness"], "answers would go stale before the next one comes", help),
      );
    }
    return found;
  });
}

function trafficZone(document: unknown): readonly Finding[] {
  const bare = (key: string): string | null =>
    rawText(document, ["traffic", key])?.replace(/\.$/, "").toLowerCase() ?? null;
  const zone = bare("zone");
  const name = bare("name");
  if (zone === null || name === null || name === zone || name.endsWith(`.${zone}`)) return [];
  return [
    finding(
      ["traffic", "name"],
      `is not inside the zone \`${zone}\``,
      `write for instance \`www.${zone}\``,
    ),
  ];
}

function bandOrder(document: unknown): readonly Finding[] {
  const band = (level: "heal" | "region" | "dr"): number => {
    const written = rawAt(document, ["policy", "bands", level]);
    return typeof written === "number" ? written : DEFAULT_POLICY.bands[level];
  };
  if (band("heal") < band("region") && band("region") < band("dr")) return [];
  const message = `must ascend, but heal is ${band("heal")}, region ${band("region")}, dr ${band("dr")}`;
  return [finding(["policy", "bands"], message, "a graver level needs a higher score")];
}

function freezeOrder(document: unknown): readonly Finding[] {
  return rawList(document, ["policy", "freezes"]).flatMap((_, index) => {
    const path = ["policy", "freezes", index];
    const from = Date.parse(rawText(document, [...path, "from"]) ?? "");
    const until = Date.parse(rawText(document, [...path, "until"]) ?? "");
    return until <= from
      ? [finding([...path, "until"], "is not after `from`", "let the window end after it starts")]
      : [];
  });
}
