/** Every broken fixture must be refused for the reason its first line names: proof that the gates bite. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findingsIn } from "./try-fixture.ts";

const folder = join(import.meta.dirname, "../fixtures");

/** Findings about the gates themselves, and how many mistakes were planted. */
export async function checkFixtures(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly findings: readonly string[]; readonly planted: number }> {
  const names = readdirSync(folder).toSorted();
  const findings: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const expected = /^# refused: (.*)$/m.exec(readFileSync(join(path, "main.tf"), "utf8"))?.[1];
    const found = await findingsIn(path, environment);
    if (expected === undefined || !found.some((finding) => finding.includes(expected))) {
      findings.push(
        `fixtures/${name} was not refused for "${expected ?? ""}": ${found.join("; ")}`,
      );
    }
  }
  return { findings, planted: names.length };
}
