/** What the tests of copying one object share. */
import { hash } from "node:crypto";

export const REQUEST = { sourceKey: "k", targetKey: "copy/k" };

export function bytesOf(length: number, seed = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed * 7) % 251));
}

export function md5(bytes: Uint8Array | null): string {
  return hash("md5", bytes ?? new Uint8Array(), "hex");
}
