/** The switch with which a person keeps CloudPhoenix from acting by itself. */
import type { Clock } from "../ports/clock.ts";
import type { AuditLog, FactStore } from "../ports/state-store.ts";

export interface MaintenanceState {
  readonly on: boolean;
  readonly reason: string;
  readonly by: string;
  readonly atMs: number;
}

const KEY = "maintenance";

export class Maintenance {
  readonly #ports: { readonly clock: Clock; readonly facts: FactStore; readonly audit: AuditLog };
  /** `undefined` until the store was read. */
  #reason: string | null | undefined = undefined;

  constructor(ports: {
    readonly clock: Clock;
    readonly facts: FactStore;
    readonly audit: AuditLog;
  }) {
    this.#ports = ports;
  }

  /** Reads the store again at the next question: another process may have written it. */
  forget(): void {
    this.#reason = undefined;
  }

  /** Why automatic action is off; null if it is on. Kept in the store, read once. */
  async reason(): Promise<string | null> {
    if (this.#reason === undefined) this.#reason = reasonOf(await this.#ports.facts.get(KEY));
    return this.#reason;
  }

  /** Sets the switch; setting it again is harmless. */
  async set(change: Omit<MaintenanceState, "atMs">): Promise<MaintenanceState> {
    const { clock, facts, audit } = this.#ports;
    const state = { on: change.on, reason: change.reason, by: change.by, atMs: clock.now() };
    await facts.put(KEY, state);
    this.#reason = reasonOf(state);
    await audit.append({
      atMs: state.atMs,
      who: state.by,
      what: `maintenance ${state.on ? "on" : "off"}`,
      why: state.reason,
      detail: null,
    });
    return state;
  }
}

function reasonOf(stored: unknown): string | null {
  const state: { on?: unknown; reason?: unknown; by?: unknown } =
    typeof stored === "object" && stored !== null ? stored : {};
  return state.on === true ? `${String(state.reason)} (${String(state.by)})` : null;
}
