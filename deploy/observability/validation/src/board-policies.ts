/** What dashboards must keep beside the types they are built with. */
import { boardFiles } from "../../grafana/src/boards.ts";
import {
  type Board,
  type BoardPanel,
  expanded,
  expressionsOf,
  panelsOf,
  parsedBoards,
  type SourceRef,
  variablesIn,
} from "./board-file.ts";
import type { ObservabilityFiles } from "./files.ts";
import type { Policy } from "./policy.ts";
import { readLogql } from "./read-logql.ts";
import { readPromql } from "./read-promql.ts";

/** Grafana 11 reads these and newer ones without converting. */
const SCHEMA_VERSION_MIN = 39;
const COLUMNS = 24;

/** One sentence for each thing that is wrong with each dashboard. */
function eachBoard(
  check: (board: Board, files: ObservabilityFiles) => readonly string[],
): Policy["check"] {
  return (files) =>
    parsedBoards(files).flatMap(({ file, board }) =>
      check(board, files).map((found) => `${file}: ${found}`),
    );
}

export const boardPolicies: readonly Policy[] = [
  {
    name: "board-current",
    check: ({ boards }) => {
      const made = boardFiles();
      const names = new Set([...Object.keys(made), ...Object.keys(boards)]);
      return [...names]
        .filter((name) => made[name] !== boards[name])
        .map((name) => `${name} is not what the code makes: npm run dashboards`);
    },
  },
  {
    name: "board-identity",
    check: (files) => {
      const boards = parsedBoards(files).map(({ board }) => board);
      const uids = boards.map(({ uid }) => uid);
      return [
        ...uids
          .filter((uid, index) => uids.indexOf(uid) !== index)
          .map((uid) => `two dashboards are called ${uid}`),
        ...boards.flatMap(({ uid, schemaVersion, tags, links, panels }) => [
          ...(/^[a-z-]{1,40}$/.test(uid) ? [] : [`${uid} is no stable id`]),
          ...(schemaVersion >= SCHEMA_VERSION_MIN ? [] : [`${uid} is of an old schema`]),
          ...(links.some((link) => link.tags.some((tag) => tags.includes(tag)))
            ? []
            : [`${uid} has no way to the others`]),
          ...panels
            .map(({ id }) => id)
            .filter((id, index, ids) => ids.indexOf(id) !== index)
            .map((id) => `${uid} has two panels ${id}`),
        ]),
      ];
    },
  },
  { name: "board-grid", check: eachBoard(({ panels }) => gridFindings(panels)) },
  { name: "board-datasource", check: eachBoard(sourceFindings) },
  {
    name: "board-words",
    check: eachBoard((board) =>
      panelsOf(board).flatMap(({ title = "", description = "", type, fieldConfig }) => [
        ...(title === "" ? ["a panel has no title"] : []),
        ...(description.length < 20 ? [`${title} does not say what it shows`] : []),
        ...(type !== "logs" && fieldConfig?.defaults.unit === undefined
          ? [`${title} has no unit`]
          : []),
      ]),
    ),
  },
  {
    name: "board-variables",
    check: eachBoard((board) => {
      const known = board.templating.list.map(({ name }) => name);
      const links = panelsOf(board).flatMap((panel) => panel.links ?? []);
      const texts = [
        ...expressionsOf(board).map(({ expr }) => expr),
        ...links.map(({ url = "" }) => url),
      ];
      const missing = texts.flatMap(variablesIn).filter((name) => !known.includes(name));
      return [...new Set(missing)].map((name) => `there is no variable ${name}`);
    }),
  },
  {
    name: "board-names",
    check: eachBoard((board) =>
      expressionsOf(board)
        .filter(({ language }) => language === "promql")
        .flatMap(({ where, expr, shown }) => {
          const { groupings, selectors } = readPromql(expanded(expr));
          const recorded = selectors.flatMap(({ metric }) =>
            metric.includes(":") ? (metric.split(":")[0] ?? "").split("_") : [],
          );
          return shown
            .filter((label) => ![...groupings, ...recorded].includes(label))
            .map((label) => `${where} shows ${label}, which its answer does not have`);
        }),
    ),
  },
  {
    name: "board-logql",
    check: eachBoard((board) =>
      expressionsOf(board)
        .filter(({ language }) => language === "logql")
        .flatMap(({ where, expr }) =>
          readLogql(expanded(expr)).errors.map((error) => `${where} is no LogQL ${error}`),
        ),
    ),
  },
  {
    name: "board-runbook",
    check: eachBoard((board, { runbooks }) =>
      panelsOf(board).flatMap(({ title, links = [] }) =>
        links.flatMap(({ url = "" }) => {
          const file = /^\$\{runbooks\}\/([a-z-]+\.md)$/.exec(url)?.[1];
          return file !== undefined && file in runbooks
            ? []
            : [`${title} leads to ${url}, which is no runbook`];
        }),
      ),
    ),
  },
];

function gridFindings(panels: readonly BoardPanel[]): readonly string[] {
  const outside = panels
    .filter(({ gridPos: { x, w, h } }) => x < 0 || w < 1 || h < 1 || x + w > COLUMNS)
    .map(({ title }) => `${title} does not fit`);
  const overlapping = panels.flatMap((one, index) =>
    panels
      .slice(index + 1)
      .filter((other) => overlap(one.gridPos, other.gridPos))
      .map((other) => `${one.title} and ${other.title} lie on each other`),
  );
  return [...outside, ...overlapping];
}

function overlap(one: BoardPanel["gridPos"], other: BoardPanel["gridPos"]): boolean {
  return (
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  );
}

/** Every source is a variable, so that the dashboard works where sources are called otherwise. */
function sourceFindings(board: Board): readonly string[] {
  const kinds = new Map<string, string>(
    board.templating.list.flatMap(({ name, type, query }) =>
      type === "datasource" ? [[`\${${name}}`, String(query)] as const] : [],
    ),
  );
  const refs: (readonly [where: string, ref: SourceRef | undefined])[] = [
    ...panelsOf(board).flatMap((panel) => [
      [panel.title ?? "", panel.datasource] as const,
      ...(panel.targets ?? []).map((target) => [panel.title ?? "", target.datasource] as const),
    ]),
    ...board.annotations.list.map(({ name, datasource }) => [name, datasource] as const),
    ...board.templating.list
      .filter(({ type }) => type === "query")
      .map(({ name, datasource }) => [name, datasource] as const),
  ];
  return refs
    .filter(([, ref]) => ref?.type === undefined || kinds.get(ref.uid ?? "") !== ref.type)
    .map(
      ([where, ref]) => `${where} asks ${ref?.uid ?? "nobody"}, which is no variable of its kind`,
    );
}
