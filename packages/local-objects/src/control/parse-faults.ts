/** Reads faults that came over the wire; a typing error must not become a fault that never strikes. */
import { LocalObjectsError } from "../error.ts";
import type { Fault, FaultEffect } from "../faults/fault-board.ts";
import type { QueueFaults } from "../queue/message-queue.ts";

type Fields = Readonly<Record<string, unknown>>;

const KINDS: readonly FaultEffect["kind"][] = [
  "refuse",
  "hang",
  "delay",
  "error",
  "lose-answer",
  "truncate",
  "drop",
  "shorten",
  "corrupt",
  "list-empty",
  "list-reversed",
];
const FAULT_FIELDS = ["effect", "operations", "keyPrefix", "share", "skip", "times"];

/** @throws {LocalObjectsError} `CONFIG_INVALID` with the place that is wrong */
export function parseFaults(value: unknown): readonly Fault[] {
  if (!Array.isArray(value)) throw invalid("faults", "must be a list");
  return value.map((entry: unknown, index) => parseFault(entry, `faults[${index}]`));
}

function parseFault(value: unknown, where: string): Fault {
  const fields = record(value, where);
  const unknown = Object.keys(fields).find((name) => !FAULT_FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`${where}.${unknown}`, "is no field of a fault");
  const { operations, keyPrefix } = fields;
  return {
    effect: parseEffect(fields["effect"], `${where}.effect`),
    ...(operations === undefined ? {} : { operations: texts(operations, `${where}.operations`) }),
    ...(keyPrefix === undefined ? {} : { keyPrefix: text(keyPrefix, `${where}.keyPrefix`) }),
    ...numbers(fields, ["share", "skip", "times"], where),
  };
}

function parseEffect(value: unknown, where: string): FaultEffect {
  const fields = record(value, where);
  const kind = text(fields["kind"], `${where}.kind`);
  switch (kind) {
    case "delay":
      return { kind, delayMs: amount(fields["delayMs"], `${where}.delayMs`) };
    case "error":
      return { kind, code: text(fields["code"], `${where}.code`) };
    case "truncate":
    case "drop":
      return { kind, afterBytes: amount(fields["afterBytes"], `${where}.afterBytes`) };
    case "shorten":
      return { kind, byBytes: amount(fields["byBytes"], `${where}.byBytes`) };
    case "refuse":
    case "hang":
    case "lose-answer":
    case "corrupt":
    case "list-empty":
    case "list-reversed":
      return { kind };
    default:
      throw invalid(`${where}.kind`, `must be one of ${KINDS.join(", ")}`);
  }
}

/** @throws {LocalObjectsError} `CONFIG_INVALID` */
export function parseQueueFaults(value: unknown): QueueFaults {
  const fields = record(value, "faults");
  return {
    duplicateShare: amount(fields["duplicateShare"] ?? 0, "faults.duplicateShare"),
    lossShare: amount(fields["lossShare"] ?? 0, "faults.lossShare"),
    reorderWindow: amount(fields["reorderWindow"] ?? 0, "faults.reorderWindow"),
  };
}

function numbers(fields: Fields, names: readonly string[], where: string): object {
  const given = names.filter((name) => fields[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, amount(fields[name], `${where}.${name}`)]));
}

function record(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null) throw invalid(where, "must be an object");
  return Object.fromEntries(Object.entries(value));
}

function text(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw invalid(where, "must be text");
}

function texts(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value)) throw invalid(where, "must be a list");
  return value.map((entry: unknown) => text(entry, where));
}

function amount(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw invalid(where, "must be a number, not below 0");
}

function invalid(where: string, problem: string): LocalObjectsError {
  return new LocalObjectsError("CONFIG_INVALID", `${where} ${problem}`, {
    hint: `Correct ${where}.`,
  });
}
