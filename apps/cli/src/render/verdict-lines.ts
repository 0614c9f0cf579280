/** What the reports of all exercises have in common: the orders, and how they end. */
import type { DemoReport } from "../demo/demo-report.ts";
import type { Terminal } from "../terminal.ts";

/** What became of the orders, in numbers. */
export function ordersLine(
  report: Pick<
    DemoReport,
    "orders_placed" | "orders_fulfilled" | "orders_set_aside" | "orders_doubled"
  >,
): string {
  return `Orders           ${report.orders_placed} placed, ${report.orders_fulfilled} fulfilled, ${report.orders_set_aside} set aside, ${report.orders_doubled} doubled`;
}

/** Every promise with what was measured, which parts were real, and whether all promises held. */
export function verdictLines(
  { promises, parts, ok }: Pick<DemoReport, "promises" | "parts" | "ok">,
  paint: Terminal["paint"],
): readonly string[] {
  return [
    ...promises.map(
      (kept) =>
        `${kept.held ? paint.green("✓") : paint.red("✗")} ${kept.promise}\n    ${paint.dim(kept.detail)}`,
    ),
    "",
    `Parts: ${parts.map((part) => `${part.part} (${part.kind})`).join(", ")}`,
    ok ? paint.green("Every promise held.") : paint.red("A promise did not hold."),
  ];
}
