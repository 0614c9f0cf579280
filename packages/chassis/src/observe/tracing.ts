/**
 * Starts and stops the export of traces (OTLP over HTTP).
 *
 * Loaded only if tracing is on: the SDK is most of what a service would import.
 */
import { context, propagation, trace } from "@opentelemetry/api";
import { setTracing } from "./tracing-state.ts";
import type { LogLabels } from "./logger.ts";

/** Where traces go and how many. */
export interface TracingOptions {
  readonly labels: LogLabels;
  /** Base URL of an OTLP/HTTP collector; `/v1/traces` is added. */
  readonly endpoint: string;
  /** Share of the traces that begin here, 0 to 1, and of those that callers ask to record. */
  readonly ratio: number;
  /**
   * Whether every trace is recorded that a caller records. Default false: anybody can ask for it.
   * True only behind a gateway that takes `traceparent` from strangers, or among one's own services.
   */
  readonly trustsCallers?: boolean;
}

/** Running tracing. */
export interface Tracing {
  /** Sends what is left and stops; gives up after `limitMs`. Default 2 s. */
  stop(limitMs?: number): Promise<void>;
}

/** From now on requests, statements and outgoing `fetch` calls are traced. Once per process. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const [sdk, hooks, core, resources, otlp, undici] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/context-async-hooks"),
    import("@opentelemetry/core"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/instrumentation-undici"),
  ]);
  const { service, version, site, pod } = options.labels;
  const exporter = new otlp.OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/$/, "")}/v1/traces`,
  });
  const processor = new sdk.BatchSpanProcessor({ exporter });
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({
      "service.name": service,
      "service.version": version,
      "service.instance.id": pod,
      "cloudphoenix.site": site,
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.ratio) }),
    spanProcessors: [processor],
  });
  context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const outgoing = new undici.UndiciInstrumentation({ requireParentforSpans: true });
  outgoing.setTracerProvider(provider);
  setTracing({ ratio: options.ratio, trustsCallers: options.trustsCallers ?? false });
  return {
    async stop(limitMs = 2_000) {
      setTracing(null);
      outgoing.disable();
      const ended = provider.shutdown().catch(() => undefined);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
    },
  };
}
