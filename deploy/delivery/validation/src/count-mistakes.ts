/**
 * `npm run validate:mistakes`: how many mistakes are planted in which gate. The gates themselves show that each is
 * refused; this only counts, and fails if one gate plants none.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { mistakes as containers } from "../../../containers/validation/src/planted-mistakes.ts";
import { mistakes as kubernetes } from "../../../kubernetes/validation/src/planted-mistakes.ts";
import { typeMistakes } from "../../../kubernetes/validation/src/planted-type-mistakes.ts";
import { mistakes as observability } from "../../../observability/validation/src/planted-mistakes.ts";
import { linterMistakes, mistakes } from "./planted-mistakes.ts";
import { repositoryRoot } from "./workflow-file.ts";

/** What is planted, by gate; each a sentence of rule and mistake. */
export function plantedMistakes(): Readonly<Record<string, readonly string[]>> {
  const fixtures = join(repositoryRoot, "deploy/terraform/validation/fixtures");
  return {
    terraform: readdirSync(fixtures).toSorted(),
    kubernetes: [
      ...kubernetes.map(({ policy, what }) => `${policy}: ${what}`),
      ...typeMistakes.map(({ what, title }) => `types: ${what} in ${title}`),
    ],
    containers: containers.map(({ rule, what }) => `${rule}: ${what}`),
    observability: observability.map(({ policy, what }) => `${policy}: ${what}`),
    delivery: [...mistakes, ...linterMistakes].map(({ rule, what }) => `${rule}: ${what}`),
  };
}

if (import.meta.main) {
  const planted = Object.entries(plantedMistakes());
  for (const [gate, list] of planted) console.log(`${gate}: ${list.length}`);
  const total = planted.reduce((sum, [, list]) => sum + list.length, 0);
  console.log(`${total} planted mistakes in ${planted.length} gates`);
  if (planted.some(([, list]) => list.length === 0)) process.exitCode = 1;
}
