/** The assembled storefront before a pretended orders service, asked through its own HTTP stack. */
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { assembleStorefront } from "../src/service.ts";
import { storefrontSettings } from "../src/settings.ts";
import { PretendedOrders } from "./pretended-orders.ts";

export const KEY = "0bed1196-9102-4c24-a438-f3ce5a65dc3c";
/** What a visitor sends who orders. */
export const FORM: Readonly<Record<string, string>> = {
  key: KEY,
  customer: "Ada",
  sku: "rope-20",
  quantity: "2",
  note: "",
};

export class Shop {
  readonly orders: PretendedOrders;
  readonly #app: FastifyInstance;

  private constructor(orders: PretendedOrders, app: FastifyInstance) {
    this.orders = orders;
    this.#app = app;
  }

  static async open(settings: Readonly<Record<string, string>> = {}): Promise<Shop> {
    const orders = await PretendedOrders.open();
    const environment = { LOG_LEVEL: "fatal", ANSWER_TIMEOUT_MS: "5000", ...settings };
    const { app, health } = await assembleStorefront(
      storefrontSettings({ ORDERS_URL: orders.url, ...environment }),
      {},
    );
    health.markStarted();
    return new Shop(orders, app);
  }

  async close(): Promise<void> {
    await this.#app.close();
    await this.orders.close();
  }

  get(url: string): Promise<LightMyRequestResponse> {
    return this.#app.inject({ method: "GET", url });
  }

  /** As a browser sends the form of a page of ours. */
  post(
    url: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<LightMyRequestResponse> {
    return this.#app.inject({
      method: "POST",
      url,
      headers: {
        host: "shop.example",
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
      payload: new URLSearchParams(fields).toString(),
    });
  }
}
