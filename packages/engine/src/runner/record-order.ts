/**
 * Which of two records of a step is the newer one: the one made after more tries, and after the same
 * number of tries the one that was made for a later moment. A step that is done, failed or answered
 * never falls back to "running" because a write arrived late, nor because another executor of the
 * same run, which does not know yet that it is not needed any more, got less far with the same try.
 */

/** What a record is written for, in the order these follow each other between two tries. */
const MOMENTS = ["tried", "ended", "answered", "started", "undone"] as const;

/**
 * `tried`: a try is over and the step goes on. `ended`: the step is done or failed by its last try.
 * `answered`: people approved or skipped it. `started`: its tries begin, or begin again because a
 * person said so. `undone`: it was taken back, or could not be.
 */
export type RecordMoment = (typeof MOMENTS)[number];

/** The order of a record that counts `attempts` tries and is written for `moment`. */
export function recordOrder(attempts: number, moment: RecordMoment): number {
  return attempts * MOMENTS.length + MOMENTS.indexOf(moment);
}
