/** Whether spans are being made; the one thing the hot path asks before anything else. */

let tracing = false;

export function isTracing(): boolean {
  return tracing;
}

/** For `startTracing` only. */
export function setTracing(on: boolean): void {
  tracing = on;
}
