import type { ObjectStore } from "./object-store.ts";

/** A part of a store: every key that begins with `prefix`. What follows the prefix is the *name*. */
export interface ObjectPlace {
  readonly store: ObjectStore;
  /** Usually ends in `/`; empty means the whole store. */
  readonly prefix: string;
}

/** For people: where the object with this name is. */
export function addressOf(place: ObjectPlace, name = ""): string {
  return `${place.store.address}/${place.prefix}${name}`;
}
