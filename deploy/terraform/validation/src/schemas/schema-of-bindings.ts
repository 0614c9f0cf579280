/** Turns the generated classes of one resource back into the schema they were generated from. */
import type { Attribute, AttributeType, Block, NestedBlock } from "./provider-schema.ts";
import {
  type Bindings,
  type Member,
  membersOf,
  type Settable,
  settableIn,
} from "./read-bindings.ts";

/** Names whose type could not be found; the generator refuses to write if there are many. */
export type Unresolved = string[];

interface Reading {
  readonly bindings: Bindings;
  readonly unresolved: Unresolved;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: "string",
  boolean: "bool",
  number: "number",
  any: "dynamic",
};

/** Schema of the class body `body`, whose settable attributes are in `settable`. */
export function schemaOfBindings(bindings: Bindings, body: string, unresolved: Unresolved): Block {
  const mapper = /synthesizeHclAttributes\(\).*\{\n([\s\S]*)/.exec(body)?.[1] ?? "";
  return blockOf({ bindings, unresolved }, body, settableIn(mapper), []);
}

function blockOf(
  reading: Reading,
  body: string,
  settable: ReadonlyMap<string, Settable>,
  above: readonly string[],
): Block {
  const attributes: Record<string, Attribute> = {};
  const blocks: Record<string, NestedBlock> = {};
  for (const member of membersOf(body)) {
    if (member.name in attributes || member.name in blocks) continue;
    const how = settable.get(member.name);
    if (how === undefined) {
      attributes[member.name] = { type: typeRead(reading, member), ...flagsOf(member) };
    } else if (how.isBlock) {
      addNested(reading, { member, how, above }, { attributes, blocks });
    } else {
      attributes[member.name] = {
        type: storageType(how.kind, how.storage),
        ...flagsOf(member, how),
      };
    }
  }
  return { attributes, block_types: blocks };
}

function flagsOf(member: Member, how?: Settable): Omit<Attribute, "type"> {
  const writeOnly =
    how !== undefined &&
    (how.value.includes("markWriteOnlyAttribute") || member.name.endsWith("_wo"));
  return {
    ...(member.required && { required: true }),
    ...(member.optional && { optional: true }),
    ...(member.computed && { computed: true }),
    ...(writeOnly && { write_only: true }),
  };
}

interface Nesting {
  readonly member: Member;
  readonly how: Settable;
  readonly above: readonly string[];
}

function addNested(
  reading: Reading,
  { member, how, above }: Nesting,
  into: { attributes: Record<string, Attribute>; blocks: Record<string, NestedBlock> },
): void {
  const element = referenceFor(
    reading,
    how.kind === "struct" ? [how.storage] : withoutSuffix(how.storage),
  );
  const many = /listMapperHcl\(.*, (true|false)\)\(/.exec(how.value);
  const isAttribute =
    many?.[1] === "false" ||
    how.kind === "map" ||
    (how.kind === "struct" && member.name !== "timeouts");
  if (isAttribute) {
    const object = objectType(reading, element);
    into.attributes[member.name] = {
      type: how.kind === "struct" ? object : [how.kind, object],
      ...flagsOf(member, how),
    };
    return;
  }
  const mapper = [...how.value.matchAll(/(\w+)ToHclTerraform/g)]
    .map((match) => match[1] ?? "")
    .find((name) => !(name in PRIMITIVES));
  const fields = reading.bindings.mappers.get(mapper ?? "");
  if (fields === undefined) {
    reading.unresolved.push(element);
    return;
  }
  into.blocks[member.name] = {
    nesting_mode: how.kind === "struct" ? "single" : how.kind,
    ...(many === null && how.kind !== "struct" && { max_items: 1 }),
    ...(member.required && { min_items: 1 }),
    block: nestedBlock(reading, element, fields, above),
  };
}

function nestedBlock(
  reading: Reading,
  element: string,
  fields: string,
  above: readonly string[],
): Block {
  // WAF statements nest without end.
  if (above.filter((name) => name === element).length >= 2) {
    return { attributes: {}, block_types: {} };
  }
  const settable = settableIn(fields);
  const found = reading.bindings.classes.get(element);
  if (found !== undefined) return blockOf(reading, found.body, settable, [...above, element]);
  // Blocks of the provider itself have no accessor classes: all their attributes are read as optional.
  const plain = [...settable].filter(([, how]) => !how.isBlock);
  return {
    attributes: Object.fromEntries(
      plain.map(([name, how]) => [
        name,
        { type: storageType(how.kind, how.storage), optional: true },
      ]),
    ),
    block_types: {},
  };
}

function storageType(kind: string, storage: string): AttributeType {
  const suffixes: string[] = [];
  let base = storage;
  for (let match = /(List|Map)$/.exec(base); match !== null && !(base in PRIMITIVES); ) {
    suffixes.unshift(match[0]);
    base = base.slice(0, -match[0].length);
    match = /(List|Map)$/.exec(base);
  }
  const primitive = PRIMITIVES[base];
  if (primitive === undefined) throw new Error(`The bindings use an unknown type: ${storage}`);
  return suffixes.reduce<AttributeType>((type, suffix, index) => {
    if (suffix === "Map") return ["map", type];
    return [index === suffixes.length - 1 && kind === "set" ? "set" : "list", type];
  }, primitive);
}

function withoutSuffix(storage: string): readonly string[] {
  return [storage.replace(/(List|Map)$/, ""), storage.replace(/(MapList|List|Map)$/, "")];
}

function referenceFor(reading: Reading, names: readonly string[]): string {
  const references = names.map((name) => `${name}OutputReference`);
  return references.find((name) => reading.bindings.classes.has(name)) ?? references[0] ?? "";
}

function objectType(reading: Reading, name: string): AttributeType {
  const found = reading.bindings.classes.get(name);
  if (found === undefined) {
    reading.unresolved.push(name);
    return "dynamic";
  }
  const fields = membersOf(found.body).map(
    (member) => [member.name, typeRead(reading, member)] as const,
  );
  return ["object", Object.fromEntries(fields)];
}

/** Type of an attribute that can only be read, from the accessor that reads it. */
function typeRead(reading: Reading, member: Member): AttributeType {
  const { code } = member;
  const map = /new cdkt[fn]\.(String|Number|Boolean|Any)Map(List)?\(this,/.exec(code);
  if (map !== null) {
    const type = ["map", PRIMITIVES[(map[1] ?? "").toLowerCase()]] as const;
    return map[2] === undefined ? type : ["list", type];
  }
  const made = /_\w+ = new (?:\w+\.)?(\w+)\(this, "[^"]*"(?:, (true|false))?\)/.exec(code);
  if (made?.[1] !== undefined) {
    if (made[1].endsWith("OutputReference")) return objectType(reading, made[1]);
    const object = objectType(reading, referenceFor(reading, withoutSuffix(made[1])));
    if (made[1].endsWith("Map")) return ["map", object];
    return [made[2] === "true" ? "set" : "list", object];
  }
  const collection = code.includes("Fn.tolist(") ? "set" : "list";
  if (code.includes("getNumberListAttribute(")) return [collection, "number"];
  if (code.includes("getListAttribute(")) return [collection, "string"];
  const mapped = /get(String|Number|Boolean)MapAttribute\(/.exec(code);
  if (mapped !== null) return ["map", PRIMITIVES[(mapped[1] ?? "").toLowerCase()]];
  const scalar = /get(String|Number|Boolean)Attribute\(/.exec(code);
  if (scalar !== null) return PRIMITIVES[(scalar[1] ?? "").toLowerCase()] ?? "dynamic";
  if (!code.includes("interpolationForAttribute(")) reading.unresolved.push(member.name);
  return "dynamic";
}
