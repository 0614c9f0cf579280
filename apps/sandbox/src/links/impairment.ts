/** What can be wrong with a link, as data that adds up. */

/** `forward` runs from the side that connects to the side that listens, `backward` the other way. */
export type Direction = "forward" | "backward";

/** One thing done to a link. Several at once add up (see `combine`). */
export interface Impairment {
  /** Directions that swallow everything, in flight included. New connections hang. */
  readonly cut?: Direction | "both";
  /** New connections are reset at once, existing ones too. */
  readonly refuse?: boolean;
  /** Milliseconds on top of the link's own one-way delay. */
  readonly extraDelayMs?: Partial<Readonly<Record<Direction, number>>>;
  /** Bytes per second that all connections of the link share, per direction. */
  readonly bytesPerSecond?: number;
  /** Chance (0 to 1) that a connection is reset each time it carries something. */
  readonly dropProbability?: number;
}

/** How one direction of a link behaves now. */
export interface Conduct {
  readonly cut: boolean;
  readonly delayMs: number;
  /** Null: as fast as the machine. */
  readonly bytesPerSecond: number | null;
}

/** How a link behaves now. */
export interface Behaviour {
  readonly refuse: boolean;
  readonly dropProbability: number;
  readonly forward: Conduct;
  readonly backward: Conduct;
}

/** Everything done to a link, added up: any cut cuts, delays add, the slowest rate counts. */
export function combine(delayMs: number, impairments: readonly Impairment[]): Behaviour {
  return {
    refuse: impairments.some(({ refuse }) => refuse === true),
    dropProbability: Math.max(0, ...impairments.map((each) => each.dropProbability ?? 0)),
    forward: conduct("forward", delayMs, impairments),
    backward: conduct("backward", delayMs, impairments),
  };
}

function conduct(
  direction: Direction,
  delayMs: number,
  impairments: readonly Impairment[],
): Conduct {
  const extras = impairments.map(({ extraDelayMs }) => extraDelayMs?.[direction] ?? 0);
  const rates = impairments.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []);
  return {
    cut: impairments.some(({ cut }) => cut === "both" || cut === direction),
    delayMs: extras.reduce((sum, extra) => sum + extra, delayMs),
    bytesPerSecond: rates.length === 0 ? null : Math.min(...rates),
  };
}
