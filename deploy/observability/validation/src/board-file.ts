/** A dashboard as its file has it, as far as it is looked at. */
import type { ObservabilityFiles } from "./files.ts";

export interface SourceRef {
  readonly type?: string;
  readonly uid?: string;
}

export interface BoardPanel {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly datasource?: SourceRef;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat?: string;
    readonly datasource?: SourceRef;
  }[];
  readonly links?: readonly { readonly url?: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

interface BoardVariable {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
  readonly definition?: string;
  readonly datasource?: SourceRef;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly tags: readonly string[];
  readonly panels: readonly BoardPanel[];
  readonly templating: { readonly list: readonly BoardVariable[] };
  readonly annotations: {
    readonly list: readonly {
      readonly name: string;
      readonly expr: string;
      readonly datasource?: SourceRef;
    }[];
  };
  readonly links: readonly { readonly tags: readonly string[] }[];
}

/** Every dashboard. */
export function parsedBoards({ boards }: Pick<ObservabilityFiles, "boards">): readonly {
  readonly file: string;
  readonly board: Board;
}[] {
  return Object.entries(boards).map(([file, text]) => {
    const board: Board = JSON.parse(text);
    return { file, board };
  });
}

/** Panels that show something: all but headings. */
export function panelsOf(board: Board): readonly BoardPanel[] {
  return board.panels.filter(({ type }) => type !== "row");
}

/** An expression of a dashboard. */
export interface BoardExpression {
  readonly where: string;
  readonly language: "promql" | "logql";
  readonly expr: string;
  /** Labels that its name shows. */
  readonly shown: readonly string[];
}

/** Of panels, annotations and variables. */
export function expressionsOf(board: Board): readonly BoardExpression[] {
  return [
    ...panelsOf(board).flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr, legendFormat = "" }) => ({
        where: `panel ${panel.title ?? panel.id}, ${refId}`,
        language: panel.type === "logs" ? ("logql" as const) : ("promql" as const),
        expr,
        shown: Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label ?? ""),
      })),
    ),
    ...board.annotations.list.map(({ name, expr }) => ({
      where: `annotation ${name}`,
      language: "promql" as const,
      expr,
      shown: [],
    })),
    ...board.templating.list.flatMap(({ name, query }) => {
      const asked = typeof query === "object" && query !== null ? Reflect.get(query, "query") : "";
      const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(String(asked)) ?? [];
      if (selector === undefined || label === undefined) return [];
      const expr = `group by (${label}) (${selector})`;
      return [{ where: `variable ${name}`, language: "promql" as const, expr, shown: [] }];
    }),
  ];
}

/** Stands for whatever a variable may be. */
export const ANY = "any";

/** With values in place of variables, so that a parser understands it. */
export function expanded(expr: string): string {
  return expr
    .replaceAll(/\[\$__(?:rate_interval|interval|range)\]/g, "[5m]")
    .replaceAll(/\$\{?\w+\}?/g, ANY);
}

/** Variables that an expression or address uses, without those of Grafana itself. */
export function variablesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/\$\{?(\w+)\}?/g), ([, name]) => name ?? "").filter(
    (name) => !name.startsWith("__"),
  );
}
