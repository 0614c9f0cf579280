/**
 * Preloaded into a process (`node --import`): its time of day is wrong by
 * CLOUDPHOENIX_CLOCK_OFFSET_MS. How long something takes is told by another clock, which goes right
 * on a machine whose time of day does not.
 */
const offsetMs = Number(process.env["CLOUDPHOENIX_CLOCK_OFFSET_MS"] ?? 0);
const now = (): number => TrueDate.now() + offsetMs;

const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (date, given: readonly unknown[], made) =>
    Reflect.construct(date, given.length === 0 ? [now()] : given, made),
  get: (date, name) => (name === "now" ? now : Reflect.get(date, name)),
});
