/** Logical replication from one database to another: batches in order, one on the way at a time. */
import type { Database } from "./database.ts";
import type { Network } from "./network.ts";
import type { ScheduledEvent } from "./scheduler.ts";

/** After this long without an answer the stream starts again from what the follower has. */
const RECONNECT_MS = 1_500;

/** Keeps `follower` up to date with `origin` for as long as it follows it. */
export function replicate(network: Network, origin: Database, follower: Database): void {
  let onTheWay: number | null = null;
  let streams = 0;
  let reconnect: ScheduledEvent | null = null;
  const wanted = (): boolean => follower.follows?.site === origin.site;

  const pump = (): void => {
    if (onTheWay !== null || !origin.process.running || !wanted()) return;
    const from = follower.follows?.applied ?? 0;
    const to = origin.flushed;
    if (to <= from && (origin.confirmed.get(follower.site) ?? -1) >= to) return;
    streams += 1;
    const stream = streams;
    onTheWay = stream;
    network.send(origin.process.name, follower.process.name, () => {
      follower.process.receive(() => arrive(stream, from, to));
    });
    reconnect = origin.process.scheduler.after(RECONNECT_MS, () => {
      onTheWay = null;
      pump();
    });
  };

  const arrive = (stream: number, from: number, to: number): void => {
    const { follows } = follower;
    if (follows === null || follows.site !== origin.site || follower.applyStalled) return;
    // A batch that was overtaken by a newer stream has nothing new in it.
    if (follows.applied >= from && follows.applied < to) {
      for (let at = follows.applied; at < to; at += 1) {
        const beat = origin.log[at]?.beat ?? null;
        if (beat !== null) follows.beat = beat;
      }
      follows.applied = to;
    }
    const { applied } = follows;
    network.send(follower.process.name, origin.process.name, () => {
      origin.process.receive(() => {
        origin.confirm(follower.site, applied);
        if (onTheWay === stream) {
          onTheWay = null;
          if (reconnect !== null) reconnect.fire = null;
        }
        pump();
      });
    });
  };

  const before = origin.onFlushed;
  origin.onFlushed = () => {
    before();
    pump();
  };
}
