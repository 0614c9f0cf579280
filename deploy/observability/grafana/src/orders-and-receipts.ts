/** What becomes of orders and their receipts, wherever they are worked on. */
import type { Section } from "./layout.ts";

export const ORDERS: Section = {
  title: "Orders",
  panels: [
    {
      kind: "over-time",
      title: "Orders acknowledged",
      about: "`replayed`: a client repeated an order under its key and got the first answer again.",
      queries: [
        {
          ask: 'sum by (site, outcome) (rate(orders_placed_total{site=~"$site"}[$__rate_interval]))',
          name: "{{site}} {{outcome}}",
        },
      ],
      unit: "ops",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Orders worked on",
      about: "By result; `overtaken` were decided about elsewhere meanwhile, which is harmless.",
      queries: [
        {
          ask: 'sum by (site, result) (rate(fulfilment_orders_settled_total{site=~"$site"}[$__rate_interval]))',
          name: "{{site}} {{result}}",
        },
        {
          ask: 'sum by (site) (rate(fulfilment_orders_overtaken_total{site=~"$site"}[$__rate_interval]))',
          name: "{{site}} overtaken",
        },
      ],
      unit: "ops",
      runbook: "orders-not-fulfilled.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Orders that wait or were set aside",
      about: "Counted up to 10,000. Set-aside orders wait for a person.",
      queries: [
        {
          ask: 'max by (site) (fulfilment_orders_waiting{site=~"$site"})',
          name: "{{site}} waiting",
        },
        {
          ask: 'max by (site) (fulfilment_orders_set_aside{site=~"$site"})',
          name: "{{site}} set aside",
        },
      ],
      runbook: "orders-not-fulfilled.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "How long the next order has been due",
      about: "At a site that takes orders, five minutes are an alarm.",
      queries: [
        { ask: 'max by (site) (fulfilment_oldest_due_seconds{site=~"$site"})', name: "{{site}}" },
      ],
      unit: "s",
      colours: ["green", [300, "red"]],
      runbook: "orders-not-fulfilled.md",
      width: 24,
      height: 6,
    },
  ],
};

export const RECEIPTS: Section = {
  title: "Receipts",
  panels: [
    {
      kind: "over-time",
      title: "Receipts worked on",
      about:
        "`found` and `remade`: looked for after a move, and there or not. `later`: an attempt failed and is made again.",
      queries: [
        {
          ask: 'sum by (site, result) (rate(orders_receipts_settled_total{site=~"$site"}[$__rate_interval]))',
          name: "{{site}} {{result}}",
        },
      ],
      unit: "ops",
      runbook: "receipts-not-stored.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Receipts that wait or were set aside",
      about: "Counted up to 10,000. Set-aside receipts wait for a person. A gap: unknown.",
      queries: [
        { ask: 'max by (site) (orders_receipts_waiting{site=~"$site"})', name: "{{site}} waiting" },
        {
          ask: 'max by (site) (orders_receipts_set_aside{site=~"$site"})',
          name: "{{site}} set aside",
        },
      ],
      runbook: "receipts-not-stored.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "How long the oldest receipt has waited",
      about: "At a site that takes orders, five minutes are an alarm. A standby only has the rows.",
      queries: [
        {
          ask: 'max by (site) (orders_receipts_oldest_waiting_seconds{site=~"$site"})',
          name: "{{site}}",
        },
      ],
      unit: "s",
      colours: ["green", [300, "red"]],
      runbook: "receipts-not-stored.md",
      width: 8,
      height: 8,
    },
  ],
};
