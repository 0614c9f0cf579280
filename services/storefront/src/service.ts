/** Puts the service together from its settings. */
import {
  assembleService,
  type ContentPolicy,
  Dependency,
  type Environment,
  monotonicMs,
  type ServiceParts,
} from "@cloudphoenix/chassis";
import { loadAssets } from "./assets.ts";
import { askController } from "./control-answers.ts";
import { ControlWatch } from "./control-watch.ts";
import { askSite, OrdersApi } from "./orders-api.ts";
import { pageRoutes } from "./page-routes.ts";
import type { Settings } from "./settings.ts";
import { SiteView } from "./site-view.ts";

const NAME = "storefront";
const VERSION = "0.1.0";

/** Everything comes from here, and nothing is written into the page itself. */
const CONTENT_POLICY: ContentPolicy = {
  "default-src": ["'none'"],
  "script-src": ["'self'"],
  "style-src": ["'self'"],
  "img-src": ["'self'"],
  "connect-src": ["'self'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
  "base-uri": ["'none'"],
};

/** Longer than any honest answer of the orders service, shorter than the patience of people. */
const CALL_TIMEOUT_MS = 2_000;

/** A service that is not yet listening. */
export async function assembleStorefront(
  settings: Settings,
  environment: Environment,
): Promise<ServiceParts> {
  const view = new SiteView((signal) => askSite(settings.ORDERS_URL, signal));
  const service = await assembleService({
    name: NAME,
    version: VERSION,
    settings,
    environment,
    personalFields: ["customer", "note"],
    contentPolicy: CONTENT_POLICY,
    checks: [view.check],
    watch: view.watch,
  });
  const { app, metrics } = service;
  const dependency = (name: string): Dependency =>
    new Dependency({
      name,
      timeoutMs: CALL_TIMEOUT_MS,
      onCall: (outcome, seconds) => metrics.callEnded(name, outcome, seconds),
    });
  const ways = {
    reading: dependency("orders-read"),
    receipts: dependency("orders-receipts"),
    writing: dependency("orders-write"),
  };
  metrics.watchCircuits(() =>
    Object.fromEntries(Object.values(ways).map(({ name, state }) => [name, state.circuit])),
  );
  const orders = new OrdersApi(settings.ORDERS_URL, ways);
  const origins = settings.STATUS_URLS;
  const control =
    origins.length === 0
      ? null
      : new ControlWatch({ origins, ask: askController, now: monotonicMs });
  await app.register(pageRoutes, { orders, view, control, assets: loadAssets() });
  return service.parts;
}
