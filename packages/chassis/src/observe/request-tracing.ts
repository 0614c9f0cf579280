/**
 * The trace a request belongs to: taken over from the caller (W3C Trace Context), or begun here.
 *
 * Spans are made with the OpenTelemetry API directly. Its automatic instrumentation of the HTTP
 * server and the driver costs about as much per request as everything else in this package together.
 * While tracing is off the trace id of a caller is still read, so that log lines can be joined.
 * @see https://www.w3.org/TR/trace-context/
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from "@opentelemetry/api";
import type { FastifyRequest } from "fastify";
import { tracingTerms, type TracingTerms } from "./tracing-state.ts";

/** The trace of one request. */
export interface RequestTracing {
  readonly traceId: string;
  readonly sampled: boolean;
  /** Runs `work` where spans made become children of the request's. */
  enter(work: () => void): void;
  end(status: number): void;
}

const tracer = trace.getTracer("@cloudphoenix/chassis");

/** Answers a function that begins the trace of a request and goes on inside it. */
export function requestTracing(): (request: FastifyRequest, next: () => void) => void {
  return (request, next) => {
    const terms = tracingTerms();
    if (terms === null) {
      request.tracing = callersTrace(request.headers["traceparent"]);
      next();
    } else if (request.routeOptions.config.probe === true) {
      next();
    } else {
      request.tracing = beginSpan(request, terms);
      request.tracing.enter(next);
    }
  };
}

function beginSpan(request: FastifyRequest, terms: TracingTerms): RequestTracing {
  const route = request.routeOptions.url ?? "unmatched";
  const parent = onOurTerms(propagation.extract(ROOT_CONTEXT, request.headers), terms);
  const span = tracer.startSpan(
    `${request.method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: { "http.request.method": request.method, "http.route": route },
    },
    parent,
  );
  const active = trace.setSpan(parent, span);
  const { traceId, traceFlags } = span.spanContext();
  return {
    traceId,
    sampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
    enter: (work) => context.with(active, work),
    end: (status) => endSpan(span, status),
  };
}

/**
 * The caller's trace, recorded if this service would have it so. By chance and not by the trace's id:
 * whoever makes the id would choose one that is recorded.
 */
function onOurTerms(caller: Context, { ratio, trustsCallers }: TracingTerms): Context {
  const span = trace.getSpanContext(caller);
  if (span === undefined || trustsCallers || Math.random() < ratio) return caller;
  return trace.setSpanContext(caller, { ...span, traceFlags: TraceFlags.NONE });
}

function endSpan(span: Span, status: number): void {
  if (span.isRecording()) {
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

function callersTrace(header: string | string[] | undefined): RequestTracing | null {
  if (typeof header !== "string") return null;
  const traceId = TRACEPARENT.exec(header)?.[1];
  if (traceId === undefined || /^0+$/.test(traceId)) return null;
  return { traceId, sampled: false, enter: (work) => work(), end: () => undefined };
}
