/** What one vantage asks, taken from the configuration. */
import type { Configuration, VantageConfiguration } from "@cloudphoenix/config";
import type { CanaryGroup, ProbeTarget } from "@cloudphoenix/adapter-probe";
import { CloudPhoenixError } from "@cloudphoenix/core";

const CANARY_INTERVAL_MS = 1000;
const CANARY_TIMEOUT_MS = 500;

export interface VantageProbes {
  readonly targets: readonly ProbeTarget[];
  readonly canaries: readonly CanaryGroup[];
}

/** @throws {CloudPhoenixError} `CONFIG_INVALID` if no agent is configured at this vantage */
export function probesOf(configuration: Configuration, vantage: string): VantageProbes {
  const found = configuration.vantages.find((candidate) => candidate.id === vantage);
  if (found === undefined || found.agent === null) throw noAgent(configuration, vantage);
  const targets = configuration.signals.flatMap((signal): readonly ProbeTarget[] => {
    const url = signal.urls[vantage];
    if (url === undefined || !signal.vantages.includes(vantage)) return [];
    const { expect, intervalMs, timeoutMs } = signal;
    return [{ signal: signal.id, vantage, url, expect, intervalMs, timeoutMs }];
  });
  return { targets, canaries: canariesOf(found, targets) };
}

/** Canaries are asked at least as often as anything else: blindness must show before its effects. */
function canariesOf(
  vantage: VantageConfiguration,
  targets: readonly ProbeTarget[],
): readonly CanaryGroup[] {
  if (vantage.canaries.length === 0) return [];
  const intervalMs = Math.min(CANARY_INTERVAL_MS, ...targets.map((target) => target.intervalMs));
  const timeoutMs = Math.min(CANARY_TIMEOUT_MS, intervalMs);
  return [{ vantage: vantage.id, urls: vantage.canaries, intervalMs, timeoutMs }];
}

function noAgent(configuration: Configuration, vantage: string): CloudPhoenixError {
  const known = configuration.vantages.filter((each) => each.agent !== null).map(({ id }) => id);
  const text = `${configuration.file} has no vantage ${vantage} with an agent`;
  return new CloudPhoenixError("CONFIG_INVALID", text, {
    retryable: false,
    hint: known.length === 0 ? "Give the vantage an agent." : `Use one of ${known.join(", ")}.`,
  });
}
