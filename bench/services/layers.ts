/** What a service of the chassis adds to a bare server, in the order in which it is measured. */
export const LAYERS = [
  "Fastify, pg pool of 10",
  "lookups that share connections",
  "validation in and out",
  "headers and request id",
  "log line",
  "metrics",
  "limits and deadline",
] as const;

export type Layer = (typeof LAYERS)[number];
