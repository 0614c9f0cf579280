import pc from "picocolors";
import { expect, test } from "vitest";
import { ordersLine, verdictLines } from "../src/render/verdict-lines.ts";

const paint = pc.createColors(false);
const HELD = { promise: "nothing is lost", held: true, detail: "0 of 100" };
const BROKEN = { promise: "back within 10 s", held: false, detail: "12 s" };
const PARTS = [
  { part: "PostgreSQL", kind: "real" },
  { part: "the clouds", kind: "emulated" },
] as const;

test("a report ends with every promise, the parts and the verdict", () => {
  expect(verdictLines({ promises: [HELD], parts: PARTS, ok: true }, paint)).toEqual([
    "✓ nothing is lost\n    0 of 100",
    "",
    "Parts: PostgreSQL (real), the clouds (emulated)",
    "Every promise held.",
  ]);
});

test("a promise that did not hold is marked, and so is the whole", () => {
  const lines = verdictLines({ promises: [HELD, BROKEN], parts: PARTS, ok: false }, paint);
  expect(lines[1]).toBe("✗ back within 10 s\n    12 s");
  expect(lines.at(-1)).toBe("A promise did not hold.");
});

test("the orders are told by what became of them", () => {
  const orders = { orders_placed: 9, orders_fulfilled: 7, orders_set_aside: 2, orders_doubled: 1 };
  expect(ordersLine(orders)).toBe("Orders           9 placed, 7 fulfilled, 2 set aside, 1 doubled");
});
