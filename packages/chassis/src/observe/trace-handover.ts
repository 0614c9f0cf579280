/**
 * Takes a trace through places that no header reaches: a row in a queue, an object's metadata.
 *
 * Who stores work for later stores `currentTraceparent()` with it; who does the work does it inside
 * `continueTrace`, and both are one trace.
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

const tracer = trace.getTracer("@cloudphoenix/chassis");

/** The active trace in the form of the `traceparent` header; null if there is none. */
export function currentTraceparent(): string | null {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier["traceparent"] ?? null;
}

/** Runs `work` in a span of its own, as a part of the trace that `traceparent` names. */
export async function continueTrace<T>(
  traceparent: string | null,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const parent =
    traceparent === null ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
  const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
