/** Typed confirmation for what cannot be taken back by pressing a key. */
import { createInterface } from "node:readline/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";

/**
 * Lets a person type `word` before something destructive; returns when they did.
 * @throws {CloudPhoenixError} `APPROVAL_REQUIRED` if nobody can type (a pipe) or something else
 *   was typed
 */
export async function confirmTyped(word: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY) throw refused(`nobody can type ${word} here`, "Add --yes.");
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`Type ${word} to go on: `, { signal });
    if (answer.trim() !== word) {
      throw refused(`"${answer.trim()}" is not ${word}; nothing was changed`, "Try again.");
    }
  } finally {
    prompt.close();
  }
}

function refused(message: string, hint: string): CloudPhoenixError {
  return new CloudPhoenixError("APPROVAL_REQUIRED", message, { retryable: false, hint });
}
