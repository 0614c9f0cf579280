/** Secrets from files and from the environment. */
import { open } from "node:fs/promises";
import type { SecretSource } from "./secret.ts";

/** The content of a file without its final line break; read anew every time. */
export function fileSecret(path: string): SecretSource {
  return {
    read: async (signal) => {
      const file = await open(path);
      try {
        const { mtimeMs } = await file.stat();
        const text = await file.readFile({ encoding: "utf8", signal });
        return { value: text.replace(/\r?\n$/, ""), writtenAtMs: mtimeMs, expiresAtMs: null };
      } finally {
        await file.close();
      }
    },
  };
}

/** A variable of the environment. It cannot change while the process runs. */
export function environmentSecret(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): SecretSource {
  return {
    read: async () => {
      const value = environment[name];
      if (value === undefined || value === "") throw new Error(`${name} is not set`);
      return { value, writtenAtMs: null, expiresAtMs: null };
    },
  };
}
