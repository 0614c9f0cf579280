/**
 * Traces through the database: a span per statement, and the trace's id in the statement itself.
 *
 * The comment (the sqlcommenter form) shows up in `pg_stat_activity` and in the server's log, so a
 * slow statement there leads to the request that sent it. Only sampled requests pay for it.
 * @see https://google.github.io/sqlcommenter/spec/
 */
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Statement } from "./connection.ts";

/** A running span; `statement` is what to send instead. */
export interface DatabaseSpan {
  readonly statement: Statement;
  end(): void;
  fail(error: Error): void;
}

const tracer = trace.getTracer("@cloudphoenix/chassis");

/** Null unless the current request is being traced. */
export function databaseSpan(statement: Statement): DatabaseSpan | null {
  if (trace.getActiveSpan()?.isRecording() !== true) return null;
  const operation = /^\s*([a-z]+)/i.exec(statement.text)?.[1]?.toUpperCase() ?? "STATEMENT";
  const span = tracer.startSpan(`db ${statement.name ?? operation}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      "db.system.name": "postgresql",
      "db.operation.name": operation,
      // Values never travel: statements hold placeholders only.
      "db.query.text": statement.text,
    },
  });
  const { traceId, spanId } = span.spanContext();
  return {
    // Without its name: a prepared statement has one text for ever.
    statement: {
      text: `${statement.text} /*traceparent='00-${traceId}-${spanId}-01'*/`,
      ...(statement.values === undefined ? {} : { values: statement.values }),
    },
    end: () => span.end(),
    fail: (error) => {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", error.name);
      span.end();
    },
  };
}
