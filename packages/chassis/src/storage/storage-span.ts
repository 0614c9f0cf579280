/** A span per call to the object store, its attempts and waits included. */
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("@cloudphoenix/chassis");

/** Runs `work`; only sampled requests pay for a span. */
export async function storageSpan<T>(
  operation: string,
  address: string,
  work: () => Promise<T>,
): Promise<T> {
  if (trace.getActiveSpan()?.isRecording() !== true) return work();
  const attributes = { "storage.address": address, "storage.operation": operation };
  const options = { kind: SpanKind.CLIENT, attributes };
  return tracer.startActiveSpan(`storage ${operation}`, options, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      if (error instanceof Error) span.setAttribute("error.type", error.name);
      throw error;
    } finally {
      span.end();
    }
  });
}
