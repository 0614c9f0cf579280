import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type TakenOrder, UnfulfillableError } from "../src/order.ts";
import { packOrder } from "../src/pack-order.ts";

function order(...quantities: readonly number[]): TakenOrder {
  const items = quantities.map((quantity, index) => ({ sku: `sku-${index}`, quantity }));
  return { id: "7", number: "ORD-7", items, attempts: 1 };
}

test("a small order goes into one parcel", () => {
  expect(packOrder(order(2, 3))).toEqual([
    {
      label: "ORD-7/1",
      items: [
        { sku: "sku-0", quantity: 2 },
        { sku: "sku-1", quantity: 3 },
      ],
    },
  ]);
});

test("an item that does not fit is divided", () => {
  expect(packOrder(order(60)).map(({ items }) => items)).toEqual([
    [{ sku: "sku-0", quantity: 50 }],
    [{ sku: "sku-0", quantity: 10 }],
  ]);
});

test("nothing is lost or added, no parcel is too full, and packing again makes the same", () => {
  const quantities = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 15 });
  fc.assert(
    fc.property(quantities, (wanted) => {
      const parcels = packOrder(order(...wanted));
      const packed = new Map<string, number>();
      for (const { items } of parcels) {
        const pieces = items.reduce((sum, { quantity }) => sum + quantity, 0);
        expect(pieces).toBeLessThanOrEqual(50);
        expect(pieces).toBeGreaterThan(0);
        for (const { sku, quantity } of items) packed.set(sku, (packed.get(sku) ?? 0) + quantity);
      }
      expect([...packed.values()]).toEqual(wanted);
      expect(packOrder(order(...wanted))).toEqual(parcels);
    }),
  );
});

test("an order that fills more than twenty parcels is for a person", () => {
  expect(packOrder(order(1_000))).toHaveLength(20);
  expect(() => packOrder(order(1_001))).toThrow(UnfulfillableError);
});
