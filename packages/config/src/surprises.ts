/** Warnings: what is allowed but cannot work the way it reads. */

import type { Configuration, SignalConfiguration } from "./configuration.ts";
import type { Finding } from "./explain-issue.ts";

/** What is legal in `configuration` but will surprise its operator. */
export function surprisesIn(configuration: Omit<Configuration, "warnings">): readonly Finding[] {
  return [
    ...evidenceOutOfReach(configuration),
    ...pointsOutOfReach(configuration),
    ...blindSpots(configuration),
    ...witnessOutOfReach(configuration),
  ];
}

type Subject = Omit<Configuration, "warnings">;

function warning(path: Finding["path"], message: string, suggestion: string): Finding {
  return { path, part: "key", message, suggestion };
}

const GRAVER = ["heal", "region", "dr"] as const;

function votersOf(configuration: Subject, site: string): readonly SignalConfiguration[] {
  return configuration.signals.filter(
    (signal) => signal.site === site && signal.points.unhealthy > 0,
  );
}

function evidenceOutOfReach(configuration: Subject): readonly Finding[] {
  const { policy, vantages, sites } = configuration;
  return sites.flatMap((site, index) => {
    const asking = new Set(votersOf(configuration, site.id).flatMap((signal) => signal.vantages));
    const seers = vantages.filter((vantage) => asking.has(vantage.id));
    const domains = new Set(seers.map((vantage) => vantage.failureDomain));
    const short = GRAVER.filter((level) => policy.evidenceMin[level] > domains.size);
    const path = ["sites", index, "id"];
    const found = short.map((level) =>
      warning(
        path,
        `level ${level} can never act on its own for ${site.id}: it needs ${policy.evidenceMin[level]} failure domains that agree and ${domains.size} exist`,
        "add a vantage in another failure domain, or lower `policy.evidence_min`",
      ),
    );
    // The two special witnesses of a move to another cloud; see design, section 3.
    const outside = seers.some((vantage) => vantage.cloud === null);
    const abroad = seers.some((vantage) => vantage.cloud !== null && vantage.cloud !== site.cloud);
    if (!short.includes("dr") && !(outside && abroad)) {
      const missing = outside ? "from the other cloud" : "from outside both clouds";
      found.push(
        warning(
          path,
          `level dr can never act on its own for ${site.id}: nobody looks at it ${missing}`,
          "add such a vantage to its signals",
        ),
      );
    }
    return found;
  });
}

function pointsOutOfReach(configuration: Subject): readonly Finding[] {
  const { policy, sites } = configuration;
  return sites.flatMap((site, index) => {
    const most = votersOf(configuration, site.id).reduce(
      (sum, signal) => sum + signal.points.unhealthy,
      0,
    );
    return GRAVER.filter((level) => most < policy.bands[level]).map((level) =>
      warning(
        ["sites", index, "id"],
        `the signals of ${site.id} add up to ${most} points at most, level ${level} starts at ${policy.bands[level]}`,
        "add signals, or lower `policy.bands`",
      ),
    );
  });
}

function blindSpots(configuration: Subject): readonly Finding[] {
  return configuration.vantages.flatMap((vantage, index) =>
    vantage.canaries.length > 0
      ? []
      : [
          warning(
            ["vantages", index, "id"],
            `vantage ${vantage.id} has no canaries, so it cannot tell its own blindness from an outage`,
            "add `canaries`: URLs that depend on no site",
          ),
        ],
  );
}

/** The embedded state database has no address on any network. */
function witnessOutOfReach({ lease, state }: Subject): readonly Finding[] {
  if (lease === null || state.kind !== "embedded") return [];
  return [
    warning(
      ["lease"],
      "the witness of the lease is the state database, and agents cannot reach the embedded one",
      "name a PostgreSQL of your own in `state.url` (or `CLOUDPHOENIX_STATE_URL`)",
    ),
  ];
}
