/** A look at the active site and at the names, for a person who wants to go back to it. */
import { type ActiveStanding, type SiteId, messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { SiteEntry } from "../ports/site-control.ts";
import type { TrafficSwitch } from "../ports/traffic-switch.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

/** A dead site must not make people wait for what the living one says. */
const LOOK_LIMIT_MS = 2_000;

export interface StandingPorts {
  readonly clock: Clock;
  readonly entry: SiteEntry;
  readonly traffic: Pick<TrafficSwitch, "read">;
}

/**
 * Asks the entry of `active` and the record of the names at the same time; changes nothing. What does
 * not answer in time does not serve, or leads nowhere known.
 * @throws {CloudPhoenixError} `ABORTED`
 */
export async function standingOf(
  ports: StandingPorts,
  active: SiteId,
  signal: AbortSignal,
): Promise<ActiveStanding> {
  const [entry, namesLeadTo] = await Promise.all([
    entryOf(ports, active, signal),
    namesOf(ports, signal),
  ]);
  return { ...entry, namesLeadTo };
}

async function entryOf(
  { clock, entry }: StandingPorts,
  active: SiteId,
  signal: AbortSignal,
): Promise<Pick<ActiveStanding, "serves" | "detail">> {
  const question = { clock, limitMs: LOOK_LIMIT_MS, signal, what: `the entry of ${active}` };
  try {
    const { status, detail } = await withDeadline(question, (limited) =>
      entry.check(active, "serving", limited),
    );
    return { serves: status === "healthy" || status === "degraded", detail };
  } catch (error) {
    if (signal.aborted) throw error;
    return { serves: false, detail: messageOf(error) };
  }
}

async function namesOf(
  { clock, traffic }: StandingPorts,
  signal: AbortSignal,
): Promise<SiteId | null> {
  const question = { clock, limitMs: LOOK_LIMIT_MS, signal, what: "the look at the names" };
  try {
    return (await withDeadline(question, (limited) => traffic.read(limited))).site;
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}
