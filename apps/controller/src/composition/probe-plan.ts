/** Which questions the controller asks itself: those of vantages that have no agent. */

import type { CanaryGroup, ProbeTarget } from "@cloudphoenix/adapter-probe";
import type { Configuration } from "@cloudphoenix/config";

/** How often canaries are asked where no signal says otherwise. */
const CANARY_INTERVAL_MS = 1000;
const CANARY_TIMEOUT_MS = 500;

function ownVantages(configuration: Configuration): readonly string[] {
  return configuration.vantages.filter(({ agent }) => agent === null).map(({ id }) => id);
}

/** One target per signal and vantage of ours. */
export function probeTargets(configuration: Configuration): readonly ProbeTarget[] {
  const own = ownVantages(configuration);
  return configuration.signals.flatMap(({ id, urls, expect, intervalMs, timeoutMs }) =>
    Object.entries(urls)
      .filter(([vantage]) => own.includes(vantage))
      .map(([vantage, url]) => ({ signal: id, vantage, url, expect, intervalMs, timeoutMs })),
  );
}

/**
 * The canaries of our vantages, asked as often as the most frequent signal from there: a blind
 * vantage must be known to be blind before its next answer counts.
 */
export function canaryGroups(configuration: Configuration): readonly CanaryGroup[] {
  return configuration.vantages
    .filter(({ agent, canaries }) => agent === null && canaries.length > 0)
    .map(({ id, canaries }) => {
      const asked = configuration.signals.filter((signal) => signal.vantages.includes(id));
      return {
        vantage: id,
        urls: canaries,
        intervalMs: Math.min(CANARY_INTERVAL_MS, ...asked.map(({ intervalMs }) => intervalMs)),
        timeoutMs: Math.min(CANARY_TIMEOUT_MS, ...asked.map(({ timeoutMs }) => timeoutMs)),
      };
    });
}
