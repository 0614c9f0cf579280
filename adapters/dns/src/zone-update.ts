/** The rules of RFC 2136 section 3 on a table of records: prerequisites, then all changes or none. */
import { unreachable } from "@cloudphoenix/core";
import { RCODE, type Rcode } from "./rcode.ts";
import { type RecordType, recordTypeOf } from "./record-data.ts";
import type { RecordTable } from "./record-table.ts";
import type { Change, Prerequisite, UpdateRequest } from "./update-message.ts";
import { TYPE } from "./wire.ts";

/** Whether `name` lies in `zone`. Both in canonical spelling. */
export function isInZone(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** What an update does to `table`: a new table, or why it is refused. Changes nothing. */
export function applyUpdate(
  table: RecordTable,
  update: UpdateRequest,
): { readonly rcode: Rcode; readonly table: RecordTable } {
  const names = [
    ...update.prerequisites.map((wanted) => wanted.name),
    ...update.changes.map((change) => (change.kind === "add" ? change.record.name : change.name)),
  ];
  const refused = names.every((name) => isInZone(name, update.zone))
    ? firstUnmet(table, update.prerequisites)
    : RCODE.NOTZONE;
  if (refused !== RCODE.NOERROR) return { rcode: refused, table };

  const changed = table.copy();
  for (const change of update.changes) applyChange(changed, change, update.zone);
  return { rcode: RCODE.NOERROR, table: changed };
}

function firstUnmet(table: RecordTable, wanted: readonly Prerequisite[]): Rcode {
  for (const prerequisite of wanted) {
    const rcode = unmet(table, prerequisite);
    if (rcode !== RCODE.NOERROR) return rcode;
  }
  return setsHold(table, wanted) ? RCODE.NOERROR : RCODE.NXRRSET;
}

function unmet(table: RecordTable, wanted: Prerequisite): Rcode {
  switch (wanted.kind) {
    case "name-in-use":
      return table.owns(wanted.name) ? RCODE.NOERROR : RCODE.NXDOMAIN;
    case "name-not-in-use":
      return table.owns(wanted.name) ? RCODE.YXDOMAIN : RCODE.NOERROR;
    case "set-exists":
      return hasSet(table, wanted.name, wanted.type) ? RCODE.NOERROR : RCODE.NXRRSET;
    case "set-absent":
      return hasSet(table, wanted.name, wanted.type) ? RCODE.YXRRSET : RCODE.NOERROR;
    case "set-holds":
      return RCODE.NOERROR;
    default:
      return unreachable(wanted);
  }
}

/** Value-dependent prerequisites name whole sets, so they are compared together. */
function setsHold(table: RecordTable, wanted: readonly Prerequisite[]): boolean {
  const sets = Map.groupBy(
    wanted.filter((prerequisite) => prerequisite.kind === "set-holds"),
    (member) => `${member.name} ${member.type}`,
  );
  return [...sets.values()].every((members) => {
    const expected = new Set(members.map((member) => member.data));
    const [first] = members;
    const actual = first === undefined ? null : table.set(first.name, first.type);
    const values = actual?.data ?? [];
    return values.length === expected.size && values.every((value) => expected.has(value));
  });
}

function hasSet(table: RecordTable, name: string, type: number): boolean {
  const known = recordTypeOf(type);
  return known !== null && table.set(name, known) !== null;
}

function applyChange(table: RecordTable, change: Change, zone: string): void {
  switch (change.kind) {
    case "add":
      if (mayAdd(table, change.record.name, change.record.type)) table.add(change.record);
      return;
    case "delete-record":
      if (!isApexNs(change.name, change.type, zone)) {
        table.deleteRecord(change.name, change.type, change.data);
      }
      return;
    case "delete-set":
      deleteSet(table, change, zone);
      return;
    case "delete-name":
      for (const type of ["A", "CNAME", "NS", "TXT"] as const) {
        deleteSet(table, { name: change.name, type: TYPE[type] }, zone);
      }
  }
}

function deleteSet(
  table: RecordTable,
  target: { readonly name: string; readonly type: number },
  zone: string,
): void {
  const type = recordTypeOf(target.type);
  if (type !== null && !isApexNs(target.name, type, zone)) table.deleteSet(target.name, type);
}

/** The zone must keep its name servers, whatever an update says (section 3.4.2.3). */
function isApexNs(name: string, type: RecordType, zone: string): boolean {
  return type === "NS" && name === zone;
}

/** An alias and other data exclude each other; such an addition is ignored (section 3.4.2.2). */
function mayAdd(table: RecordTable, name: string, type: RecordType): boolean {
  const others: readonly RecordType[] = type === "CNAME" ? ["A", "NS", "TXT"] : ["CNAME"];
  return others.every((other) => table.set(name, other) === null);
}
