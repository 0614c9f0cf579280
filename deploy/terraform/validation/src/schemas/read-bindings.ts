/**
 * Reads the sources of a prebuilt CDK provider package. The published JavaScript carries the generated
 * TypeScript in inline source maps, and that source states for every attribute whether it is computed,
 * optional or required, and how it is nested.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the generator wrote for one resource: its classes, and the bodies of its HCL mappers. */
export interface Bindings {
  readonly mappers: ReadonlyMap<string, string>;
  readonly classes: ReadonlyMap<string, { readonly base: string; readonly body: string }>;
}

/** An attribute that can be set, as `synthesizeHclAttributes` lists it. */
export interface Settable {
  readonly value: string;
  readonly isBlock: boolean;
  readonly kind: string;
  readonly storage: string;
}

/** An attribute as the comment above its accessor describes it, and the accessor's code. */
export interface Member {
  readonly name: string;
  readonly computed: boolean;
  readonly optional: boolean;
  readonly required: boolean;
  readonly code: string;
}

/** Classes and mappers of one resource's folder. */
export function readBindings(folder: string): Bindings {
  const source = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .map((file) => originalSource(readFileSync(join(folder, file), "utf8")))
    .join("\n");
  const mappers = [
    ...source.matchAll(
      /^(?:export )?function (\w+)ToHclTerraform\(struct[^)]*\)(?:: any)? \{\n([\s\S]*?)^\}/gm,
    ),
  ].map((match) => [match[1] ?? "", match[2] ?? ""] as const);
  const heads = [...source.matchAll(/^(?:export )?class (\w+) extends cdkt[fn]\.(\w+) \{/gm)];
  const classes = heads.map((head, index) => {
    const body = source.slice(head.index, heads[index + 1]?.index);
    return [head[1] ?? "", { base: head[2] ?? "", body }] as const;
  });
  return { mappers: new Map(mappers), classes: new Map(classes) };
}

function originalSource(javascript: string): string {
  const encoded = /^\/\/# sourceMappingURL=data:application\/json;base64,(\S+)/m.exec(javascript);
  if (encoded?.[1] === undefined) return javascript;
  const map = JSON.parse(Buffer.from(encoded[1], "base64").toString()) as {
    readonly sourcesContent: readonly string[];
  };
  return map.sourcesContent.join("\n");
}

/** `name: { value: …, isBlock: …, type: "…", storageClassType: "…" }` in a mapper. */
export function settableIn(source: string): ReadonlyMap<string, Settable> {
  const entry =
    /^\s+"?([\w-]+)"?: \{\n\s*value: (.*),\n\s*isBlock: (true|false),\n\s*type: "(\w+)",\n\s*storageClassType: "(\w+)",?\n/gm;
  return new Map(
    [...source.matchAll(entry)].map((match) => [
      match[1] ?? "",
      {
        value: (match[2] ?? "").replaceAll("!", ""),
        isBlock: match[3] === "true",
        kind: match[4] ?? "",
        storage: match[5] ?? "",
      },
    ]),
  );
}

/** Every attribute of a class, settable or not. */
export function membersOf(body: string): readonly Member[] {
  const comments = [
    ...body.matchAll(
      /\/\/ (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n/g,
    ),
  ];
  return comments.map((match, index) => ({
    name: match[1] ?? "",
    computed: match[2] === "true",
    optional: match[3] === "true",
    required: match[4] === "true",
    code:
      body.slice(match.index + match[0].length, comments[index + 1]?.index).split("// =====")[0] ??
      "",
  }));
}
