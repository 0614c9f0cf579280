/** A quarantined site for people: what it alone holds first, then what to do. */
import type { ExportedQuarantine } from "../export-quarantine.ts";
import type { Terminal } from "../terminal.ts";
import { bytesText } from "./bytes-text.ts";
import { clockText, durationText } from "./duration-text.ts";

/** A quarantine as `GET /v1/quarantine` sends it. */
export interface QuarantineDocument {
  readonly site: string;
  readonly writer: string;
  readonly foundAtMs: number;
  readonly found: { readonly role: string; readonly generation: number };
  readonly fence: { readonly degree: string; readonly detail: string };
  readonly reopenedAtMs: number | null;
  readonly divergence: DivergenceDocument | null;
  readonly trouble: string | null;
  readonly decisions: readonly {
    readonly kind: string;
    readonly by: string;
    readonly reason: string;
  }[];
  readonly missing: string | null;
}

interface DivergenceDocument {
  readonly transactions: number;
  readonly rowsByTable: Readonly<Record<string, number>>;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly rpoMs: number;
  readonly repairable: boolean;
  readonly obstacles: readonly string[];
  readonly fullCopyTables: readonly string[];
}

type Values = Readonly<Record<string, string | null>> | null;

export interface DivergentRowDocument {
  readonly table: string;
  readonly operation: string;
  readonly key: Values;
  readonly before: Values;
  readonly row: Values;
  readonly unchanged: readonly string[];
  readonly committedAtMs: number;
}

interface DivergentObjectDocument {
  readonly key: string;
  readonly kind: "only-there" | "differs" | "outdated";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly writer: { readonly sizeBytes: number; readonly modifiedMs: number } | null;
}

export interface ObjectDivergenceDocument {
  readonly looked: number;
  readonly onlyThere: number;
  readonly differing: number;
  readonly outdated: number;
  readonly bytes: number;
  readonly complete: boolean;
  readonly trouble: string | null;
  readonly first: readonly DivergentObjectDocument[];
}

/** One quarantine as `GET /v1/quarantine/:site` sends it. */
export interface QuarantineAnswer {
  readonly quarantine: QuarantineDocument;
  readonly rows: readonly DivergentRowDocument[];
  /** Null where there are no objects. */
  readonly objects: ObjectDivergenceDocument | null;
}

export interface ReapplyDocument {
  readonly applied: number;
  readonly conflicting: number;
  readonly conflicts: readonly DivergentRowDocument[];
  readonly alreadyDone: boolean;
}

const VALUES_WIDTH = 100;

/** The whole page of one site. */
export function quarantineText(view: QuarantineAnswer, paint: Terminal["paint"]): string {
  const { quarantine, rows, objects } = view;
  const { site, writer, found, fence } = quarantine;
  return [
    `${paint.bold(site)} is ${paint.yellow("quarantined")} since ${clockText(quarantine.foundAtMs)}: it came back as ${found.role} of generation ${found.generation} while ${writer} writes.`,
    `Fence: ${fence.degree} (${fence.detail})`,
    ...(quarantine.reopenedAtMs === null
      ? []
      : [
          paint.yellow(
            `It took writes again at ${clockText(quarantine.reopenedAtMs)}. What was decided before that is void.`,
          ),
        ]),
    ...holdsLines(quarantine),
    ...rows.map((row) => `  ${rowText(row)}`),
    ...(objects === null ? [] : objectLines(quarantine, objects)),
    ...quarantine.decisions.map((one) => `Decided: ${one.kind} by ${one.by} (${one.reason})`),
    "",
    nextText(quarantine, paint),
  ].join("\n");
}

function nextText(
  { missing, divergence, site }: QuarantineDocument,
  paint: Terminal["paint"],
): string {
  if (missing !== null) return paint.yellow(missing);
  if (divergence?.repairable === false) {
    return paint.yellow(
      "It cannot rejoin while that stands in the way: make schemas equal where they differ; for the rest see Full re-seed in docs/runbooks/returned-primary.md.",
    );
  }
  return `It may rejoin: cloudphoenix quarantine rejoin --site ${site} --reason TEXT`;
}

/** One line, for the status screen. */
export function quarantineLine({ site, divergence }: QuarantineDocument): string {
  const holds =
    divergence === null
      ? "what it holds is being read"
      : `${divergence.transactions} transactions exist only there`;
  return `${site} is quarantined: ${holds}. cloudphoenix quarantine show ${site}`;
}

/** What an export kept, and where; and what not. */
export function exportText(
  site: string,
  { file, rows, objects, trouble }: ExportedQuarantine,
): string {
  const listed =
    objects === null
      ? ""
      : ` ${objects.count} objects that ${site} has alone or otherwise are listed in ${objects.file}.`;
  const unlisted =
    trouble === null
      ? ""
      : ` The objects are not listed: ${trouble}. Export again with --force for them.`;
  return `${rows} changes of ${site} are kept in ${file}.${listed}${unlisted} Next: cloudphoenix quarantine rejoin --site ${site} --reason TEXT`;
}

/** What a reapply did, with what it left out. */
export function reapplyText(site: string, result: ReapplyDocument): string {
  const { applied, conflicting, conflicts, alreadyDone } = result;
  return [
    `${applied} changes of ${site} ${alreadyDone ? "had been" : "were"} written to the current writer, ${conflicting} conflicted and were left out.`,
    ...conflicts.slice(0, 20).map((row) => `  conflict: ${rowText(row)}`),
    conflicting === 0
      ? `Next: cloudphoenix quarantine rejoin --site ${site} --reason TEXT`
      : `What conflicted exists only at ${site}. Keep it before it rejoins: cloudphoenix quarantine export --site ${site} --file FILE`,
  ].join("\n");
}

function holdsLines({ divergence, trouble, site }: QuarantineDocument): readonly string[] {
  if (divergence === null) {
    const why = trouble ?? "its log is being read";
    return [`What only ${site} holds is not known: ${why}`];
  }
  const { transactions, rowsByTable, firstAtMs, lastAtMs, rpoMs } = divergence;
  if (transactions === 0) return [`Nothing exists only at ${site}.`, ...repairLines(divergence)];
  const rows = Object.entries(rowsByTable).map(([table, count]) => `${count} in ${table}`);
  const span =
    firstAtMs === null || lastAtMs === null
      ? ""
      : `, committed ${clockText(firstAtMs)} to ${clockText(lastAtMs)} (${durationText(rpoMs)} after the last that arrived)`;
  return [
    `${transactions} transactions exist only there${span}`,
    `Changed rows: ${rows.join(", ")}`,
    ...repairLines(divergence),
  ];
}

/** Also where nothing was lost: a site that cannot be repaired cannot rejoin. */
function repairLines(divergence: DivergenceDocument): readonly string[] {
  if (divergence.repairable) return [`A repair by key is possible${fullCopy(divergence)}.`];
  return [
    "It cannot be repaired by key; only a full re-seed brings it back:",
    ...divergence.obstacles.map((obstacle) => `  ✗ ${obstacle}`),
  ];
}

/** What of the objects may exist nowhere else, and that a rejoin leaves it alone. */
function objectLines(
  { site, writer }: QuarantineDocument,
  objects: ObjectDivergenceDocument,
): readonly string[] {
  const { onlyThere, differing, outdated, bytes, first, complete, trouble, looked } = objects;
  if (!complete && looked === 0) {
    return [`Which objects only ${site} has is not known: ${trouble ?? "nobody has looked"}`];
  }
  const found = onlyThere + differing;
  const more = found > first.length ? [`  … and ${found - first.length} more`] : [];
  const all = `cloudphoenix quarantine export --site ${site} --file FILE`;
  return [
    `Objects: ${complete ? "" : "at least "}${onlyThere} exist only there, ${differing} differ from those of ${writer} (${bytesText(bytes)} together; ${looked} compared)`,
    ...(outdated === 0
      ? []
      : [`  ${outdated} more had been copied, and ${writer} has deleted or replaced them since.`]),
    ...first.map((object) => `  ${objectText(object)}`),
    ...more,
    ...(complete ? [] : [`  Not all were compared: ${trouble ?? "it broke off"}. All: ${all}`]),
    ...(found === 0
      ? []
      : ["  A rejoin leaves them where they are: neither overwritten nor deleted."]),
  ];
}

function objectText({ key, sizeBytes, modifiedMs, writer }: DivergentObjectDocument): string {
  const at = new Date(modifiedMs).toISOString();
  const other = writer === null ? "" : `, there ${bytesText(writer.sizeBytes)}`;
  return `${at} ${JSON.stringify(key)} ${bytesText(sizeBytes)}${other}`;
}

function fullCopy({ fullCopyTables }: DivergenceDocument): string {
  return fullCopyTables.length === 0 ? "" : `; copied whole: ${fullCopyTables.join(", ")}`;
}

function rowText(change: DivergentRowDocument): string {
  const { table, operation, key, before, row, unchanged, committedAtMs } = change;
  const was = row === null || before === null ? {} : whatBecameOther(before, row);
  return [
    `${clockText(committedAtMs)} ${operation} ${table} ${short(row ?? before ?? key ?? {})}`,
    ...(Object.keys(was).length === 0 ? [] : [`was ${short(was)}`]),
    ...(unchanged.length === 0 ? [] : [`(left as it was: ${unchanged.join(", ")})`]),
  ].join(" ");
}

function short(values: NonNullable<Values>): string {
  const text = JSON.stringify(values);
  return text.length > VALUES_WIDTH ? `${text.slice(0, VALUES_WIDTH)}…` : text;
}

/** Of the values before, those that changed. */
function whatBecameOther(
  before: NonNullable<Values>,
  row: NonNullable<Values>,
): NonNullable<Values> {
  return Object.fromEntries(Object.entries(before).filter(([name, value]) => row[name] !== value));
}
