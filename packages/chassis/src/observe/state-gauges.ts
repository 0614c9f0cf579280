/** Gauges of a state that is asked for when somebody scrapes. */
import { Gauge } from "@prometheus-io/client";
import type { Metrics } from "./metrics.ts";

/** Name of a metric, its help, and the field of the state it shows. */
type Series<Field extends string> = readonly [name: string, help: string, field: Field];

/**
 * Registers a gauge for each of `series`; NaN while `state` answers null.
 * @param state - asked once per gauge and scrape: it should keep its answer for a moment
 */
export function exposeState<Field extends string>(
  { registry }: Pick<Metrics, "registry">,
  state: () => Promise<Readonly<Record<Field, number>> | null>,
  series: readonly Series<Field>[],
): void {
  for (const [name, help, field] of series) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        async collect() {
          const now = await state();
          this.set(now === null ? Number.NaN : now[field]);
        },
      }),
    );
  }
}
