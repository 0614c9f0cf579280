/**
 * Every metric that programs of this repository export, read from the registries of the programs
 * themselves: what is renamed there is renamed here.
 */
import { Metrics } from "@cloudphoenix/chassis";
import { AgentMetrics } from "../../../../apps/agent/src/agent-metrics.ts";
import { ControllerMetrics } from "../../../../apps/controller/src/metrics/controller-metrics.ts";
import { WorkerMetrics } from "../../../../apps/worker/src/http/worker-metrics.ts";
import { exposeQueue, observeWorker } from "../../../../services/fulfilment/src/observe-worker.ts";
import { OrderMetrics } from "../../../../services/orders/src/order-metrics.ts";
import {
  exposeReceipts,
  observeReceipts,
} from "../../../../services/orders/src/receipts/observe-receipts.ts";

type Registry = Metrics["registry"];

/** Who exports a metric. */
type Exporter = "controller" | "agent" | "worker" | "every service" | "orders" | "fulfilment";

/** A metric as its program defines it. */
export interface ExportedMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Without those that Prometheus adds when it scrapes. */
  readonly labels: readonly string[];
  readonly exporters: readonly Exporter[];
}

/** In the order of programs, then of names; a metric that several export stands once. */
export function exportedMetrics(): readonly ExportedMetric[] {
  const metrics = new Map<string, ExportedMetric>();
  for (const { exporter, registry, everywhere } of registries()) {
    for (const one of definitionsOf(registry, everywhere)) {
      const known = metrics.get(one.name);
      metrics.set(one.name, {
        ...one,
        labels: [...new Set([...(known?.labels ?? []), ...one.labels])],
        exporters: [...(known?.exporters ?? []), exporter],
      });
    }
  }
  return [...metrics.values()];
}

interface Source {
  readonly exporter: Exporter;
  readonly registry: Registry;
  /** Labels on every series. */
  readonly everywhere: readonly string[];
}

function registries(): readonly Source[] {
  const chassis = serviceMetrics();
  const orders = ordersMetrics();
  const fulfilment = serviceMetrics();
  const common = chassis.registry.getMetricsAsArray().map(({ name }) => name);
  chassis.watchPools(() => ({}));
  chassis.watchCircuits(() => ({}));
  chassis.watchSecrets(() => ({}));
  observeWorker({ info: silent, warn: silent }, fulfilment);
  exposeQueue(fulfilment, { state: never });
  for (const { registry } of [orders, fulfilment]) {
    for (const name of common) registry.removeSingleMetric(name);
  }
  return [
    { exporter: "controller", registry: controllerRegistry(), everywhere: ["application"] },
    { exporter: "agent", registry: agentRegistry(), everywhere: ["application", "vantage"] },
    {
      exporter: "worker",
      registry: new WorkerMetrics("", []).registry,
      everywhere: ["application"],
    },
    { exporter: "every service", registry: chassis.registry, everywhere: ["site"] },
    { exporter: "orders", registry: orders.registry, everywhere: ["site"] },
    { exporter: "fulfilment", registry: fulfilment.registry, everywhere: ["site"] },
  ];
}

function controllerRegistry(): Registry {
  const metrics = new ControllerMetrics({ application: "" });
  metrics.watchProber(never);
  metrics.watchCertificates(() => []);
  metrics.watchLease([], () => null);
  metrics.watchClients(() => 0);
  return metrics.registry;
}

function agentRegistry(): Registry {
  const labels = { application: "", vantage: "" };
  return new AgentMetrics(labels, { probes: never, certificates: () => [], lease: never }).registry;
}

function ordersMetrics(): Metrics {
  const metrics = serviceMetrics();
  const own = new OrderMetrics(metrics, () => 0);
  own.orderPlaced("created");
  observeReceipts({ info: silent, warn: silent, error: silent }, metrics);
  exposeReceipts(metrics, { state: never });
  return metrics;
}

function serviceMetrics(): Metrics {
  return new Metrics({ service: "", version: "", commit: "", site: "" });
}

function definitionsOf(
  registry: Registry,
  everywhere: readonly string[],
): readonly Omit<ExportedMetric, "exporters">[] {
  return registry.getMetricsAsArray().map((metric) => ({
    name: metric.name,
    type: metric.type,
    help: metric.help,
    labels: [...labelNamesOf(metric), ...everywhere],
  }));
}

/** The client keeps them on the metric; its types do not say so. */
function labelNamesOf(metric: object): readonly string[] {
  const names: unknown = Reflect.get(metric, "labelNames");
  if (!Array.isArray(names)) throw new Error("the metrics client keeps label names elsewhere now");
  return names.map(String);
}

const silent = (): void => undefined;

/** Definitions are read, values never. */
function never(): never {
  throw new Error("a definition needs no value");
}
