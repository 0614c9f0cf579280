/** A mistake people make, which a policy must find. */
import type { AlertRule, ObservabilityFiles } from "../files.ts";

export interface Mistake {
  readonly policy: string;
  readonly what: string;
  readonly plant: (files: ObservabilityFiles) => ObservabilityFiles;
}

/** Changes the first alert. */
export function inFirstAlert(change: (alert: AlertRule) => AlertRule): Mistake["plant"] {
  return (files) => ({
    ...files,
    alerts: files.alerts.map((alert, index) => (index === 0 ? change(alert) : alert)),
  });
}

/** Writes `to` in place of the first `from` of a dashboard. */
export function inBoard(file: string, from: string | RegExp, to: string): Mistake["plant"] {
  return (files) => ({
    ...files,
    boards: { ...files.boards, [file]: swap(files.boards[file] ?? "", from, to) },
  });
}

/** Writes `to` in place of the first `from` of Alloy's configuration. */
export function inAlloy(from: string | RegExp, to: string): Mistake["plant"] {
  return (files) => ({ ...files, alloy: swap(files.alloy, from, to) });
}

/** @throws {Error} if nothing is there to be changed: such a mistake would prove nothing */
function swap(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, () => to);
  if (changed === text) throw new Error(`there is no ${String(from)} to plant a mistake in`);
  return changed;
}
