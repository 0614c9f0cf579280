/** Fact store without a database. A key never put reads as null. */
import type { Json } from "@cloudphoenix/core";
import type { FactStore } from "../ports/state-store.ts";

export class MemoryFactStore implements FactStore {
  readonly #facts = new Map<string, Json>();

  async put(key: string, value: Json): Promise<void> {
    this.#facts.set(key, structuredClone(value));
  }

  async get(key: string): Promise<Json> {
    return structuredClone(this.#facts.get(key) ?? null);
  }
}
