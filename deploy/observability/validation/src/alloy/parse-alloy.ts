/**
 * Reads Alloy's configuration language: blocks, attributes, expressions. As strict as Alloy where it
 * matters here: one statement a line, a comma after each element of a list that spans lines.
 * @see https://grafana.com/docs/alloy/latest/get-started/configuration-syntax/
 */
import { AlloySyntaxError, scanAlloy, type Word } from "./scan-alloy.ts";

/** A value as it is written; references and calls are not evaluated. */
export type AlloyValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "other"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly AlloyValue[] }
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, AlloyValue> }
  | { readonly kind: "reference"; readonly path: readonly string[] }
  | {
      readonly kind: "call";
      readonly path: readonly string[];
      readonly args: readonly AlloyValue[];
    };

export interface AlloyBlock {
  /** For instance `loki.process`. */
  readonly name: string;
  readonly label: string | null;
  readonly line: number;
  readonly attributes: ReadonlyMap<string, AlloyValue>;
  readonly blocks: readonly AlloyBlock[];
}

/** The blocks of a file. @throws {AlloySyntaxError} with the line of the first mistake */
export function parseAlloy(source: string): readonly AlloyBlock[] {
  const parser = new Parser(scanAlloy(source));
  const { attributes, blocks } = parser.body("end");
  if (attributes.size > 0) throw new AlloySyntaxError(1, "an attribute outside of any block");
  return blocks;
}

class Parser {
  readonly #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  body(until: "end" | "}"): Pick<AlloyBlock, "attributes" | "blocks"> {
    const attributes = new Map<string, AlloyValue>();
    const blocks: AlloyBlock[] = [];
    for (;;) {
      this.#skipLines();
      if (until === "}" ? this.#takes("}") : this.#word.kind === "end")
        return { attributes, blocks };
      const { line } = this.#word;
      const path = this.#path();
      if (!this.#takes("=")) {
        blocks.push(this.#block(path.join("."), line));
      } else {
        const [name = ""] = path;
        if (path.length > 1) throw this.#wrong("an attribute has no dots in its name");
        if (attributes.has(name)) throw this.#wrong(`${name} is set twice`);
        attributes.set(name, this.#value());
      }
      if (this.#word.value !== "}" && this.#word.kind !== "end" && this.#word.kind !== "line-end") {
        throw this.#wrong(`a new line is missing before ${this.#word.value}`);
      }
    }
  }

  #block(name: string, line: number): AlloyBlock {
    const label = this.#word.kind === "text" ? this.#next().value : null;
    if (label !== null && !/^[A-Za-z_]\w*$/.test(label)) {
      throw this.#wrong(`${label} is no label of a component`);
    }
    this.#expect("{");
    return { name, label, line, ...this.body("}") };
  }

  #value(): AlloyValue {
    const first = this.#term();
    const parts = [first];
    while (/^(?:==|!=|<=|>=|&&|\|\||[+\-*/%^<>])$/.test(this.#word.value)) {
      if (this.#word.kind !== "mark") break;
      this.#next();
      parts.push(this.#term());
    }
    return parts.length === 1 ? first : { kind: "list", items: parts };
  }

  #term(): AlloyValue {
    if (this.#takes("!") || this.#takes("-")) return this.#term();
    const { kind, value } = this.#word;
    if (kind === "text") return { kind: "text", text: this.#next().value };
    if (kind === "number") return { kind: "other", text: this.#next().value };
    if (this.#takes("(")) {
      const inner = this.#value();
      this.#expect(")");
      return inner;
    }
    if (this.#takes("[")) return { kind: "list", items: this.#elements("]", () => this.#value()) };
    if (this.#takes("{")) return this.#object();
    if (kind !== "name")
      throw this.#wrong(`a value is missing before ${value.trim() || "the end of the line"}`);
    if (["true", "false", "null"].includes(value))
      return { kind: "other", text: this.#next().value };
    const path = this.#path();
    if (!this.#takes("(")) return { kind: "reference", path };
    return { kind: "call", path, args: this.#elements(")", () => this.#value()) };
  }

  #object(): AlloyValue {
    const fields = new Map<string, AlloyValue>();
    this.#elements("}", () => {
      if (this.#word.kind !== "name" && this.#word.kind !== "text") {
        throw this.#wrong(`${this.#word.value} is no name of a field`);
      }
      const name = this.#next().value;
      this.#expect("=");
      if (fields.has(name)) throw this.#wrong(`${name} is set twice`);
      fields.set(name, this.#value());
    });
    return { kind: "object", fields };
  }

  /** Elements behind commas; the last one has a comma too if the closing mark is on a line of its own. */
  #elements<T>(close: string, read: () => T): readonly T[] {
    const elements: T[] = [];
    this.#skipLines();
    while (!this.#takes(close)) {
      elements.push(read());
      if (this.#takes(",")) this.#skipLines();
      else if (this.#word.value !== close) throw this.#wrong(`a comma or ${close} is missing`);
    }
    return elements;
  }

  #path(): readonly string[] {
    const path = [this.#name()];
    while (this.#takes(".")) path.push(this.#name());
    return path;
  }

  #name(): string {
    if (this.#word.kind !== "name") throw this.#wrong(`${this.#word.value.trim()} is no name`);
    return this.#next().value;
  }

  get #word(): Word {
    const word = this.#words[this.#at];
    if (word === undefined) throw new Error("the end was passed");
    return word;
  }

  #next(): Word {
    const word = this.#word;
    this.#at += 1;
    return word;
  }

  #takes(mark: string): boolean {
    if (this.#word.kind !== "mark" || this.#word.value !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#takes(mark))
      throw this.#wrong(`${mark} is missing before ${this.#word.value.trim()}`);
  }

  #skipLines(): void {
    while (this.#word.kind === "line-end") this.#at += 1;
  }

  #wrong(problem: string): AlloySyntaxError {
    return new AlloySyntaxError(this.#word.line, problem);
  }
}
