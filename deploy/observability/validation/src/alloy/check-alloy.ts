/** What is wrong with a configuration of Alloy that its syntax allows. */
import { type BlockShape, COMPONENTS } from "./components.ts";
import type { AlloyBlock, AlloyValue } from "./parse-alloy.ts";

/** Functions and values of the language itself that are used. */
const FUNCTIONS: readonly string[] = ["sys.env", "json_path", "concat", "coalesce"];

/** One sentence for each mistake, with its line. */
export function checkAlloy(blocks: readonly AlloyBlock[]): readonly string[] {
  const findings: string[] = [];
  const names = blocks.map((block) => nameOf(block));
  const referredTo = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    const shape = COMPONENTS[block.name];
    const where = `${nameOf(block)} (line ${block.line})`;
    if (shape === undefined) {
      findings.push(`${where} is no component that is used here`);
      continue;
    }
    if (names.indexOf(nameOf(block)) !== index) findings.push(`${where} exists twice`);
    findings.push(...shapeFindings(block, shape, where));
    for (const path of referencesOf(block)) {
      const target = blocks.find((one) => path.join(".").startsWith(`${nameOf(one)}.`));
      if (target === undefined) {
        findings.push(`${where} refers to ${path.join(".")}, which does not exist`);
        continue;
      }
      referredTo.add(nameOf(target));
      const field = path.join(".").slice(nameOf(target).length + 1);
      if (!(COMPONENTS[target.name]?.exports.includes(field) ?? false)) {
        findings.push(
          `${where} refers to ${field} of ${nameOf(target)}, which exports no such thing`,
        );
      }
    }
  }
  const unused = blocks.filter(
    (block) => COMPONENTS[block.name]?.isEnd !== true && !referredTo.has(nameOf(block)),
  );
  return [...findings, ...unused.map((block) => `nothing refers to ${nameOf(block)}`)];
}

function nameOf({ name, label }: AlloyBlock): string {
  return label === null ? name : `${name}.${label}`;
}

function shapeFindings(block: AlloyBlock, shape: BlockShape, where: string): readonly string[] {
  const { required = [], optional = [], blocks = {}, needs = [] } = shape;
  const attributes = [...block.attributes.keys()];
  const inside = block.blocks.map(({ name }) => name);
  return [
    ...required
      .filter((name) => !attributes.includes(name))
      .map((name) => `${where} has no ${name}`),
    ...needs
      .filter((name) => !inside.includes(name))
      .map((name) => `${where} has no ${name} block`),
    ...attributes
      .filter((name) => !required.includes(name) && !optional.includes(name))
      .map((name) => `${where} takes no ${name}`),
    ...block.blocks.flatMap((inner) => {
      const innerShape = blocks[inner.name];
      const there = `${inner.name} of ${where}`;
      return innerShape === undefined
        ? [`${where} takes no block ${inner.name}`]
        : shapeFindings(inner, innerShape, there);
    }),
  ];
}

/** Every reference to another component, at any depth. Unknown functions count as references. */
function referencesOf(block: AlloyBlock): readonly (readonly string[])[] {
  return [
    ...[...block.attributes.values()].flatMap((value) => referencesIn(value)),
    ...block.blocks.flatMap((inner) => referencesOf(inner)),
  ];
}

function referencesIn(value: AlloyValue): readonly (readonly string[])[] {
  switch (value.kind) {
    case "reference":
      return [value.path];
    case "call":
      return [
        ...(FUNCTIONS.includes(value.path.join(".")) ? [] : [value.path]),
        ...value.args.flatMap((inner) => referencesIn(inner)),
      ];
    case "list":
      return value.items.flatMap((inner) => referencesIn(inner));
    case "object":
      return [...value.fields.values()].flatMap((inner) => referencesIn(inner));
    case "text":
    case "other":
    default:
      return [];
  }
}
