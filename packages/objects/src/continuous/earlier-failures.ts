/** What is told of objects that cannot be copied before a comparison has met them. */
import { FAILURES_MAX, type ObjectReplicationFacts } from "./replication-facts.ts";

export type FailureFacts = Pick<ObjectReplicationFacts, "failed" | "needPerson" | "failures">;

/**
 * `own`, and what an earlier process knew to need a person: never fewer than either knew. What it tried again
 * is not taken over, as its age counts it.
 */
export function withEarlier(own: FailureFacts, earlier: FailureFacts): FailureFacts {
  const keys = new Set(own.failures.map(({ key }) => key));
  const left = earlier.failures.filter(({ key, retried }) => !retried && !keys.has(key));
  const failures = [...left, ...own.failures].slice(0, FAILURES_MAX);
  const needPerson = Math.max(own.needPerson, earlier.needPerson);
  const failed = Math.max(own.failed - own.needPerson + needPerson, failures.length);
  return { failed, needPerson, failures };
}
