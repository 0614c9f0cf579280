/** `npm run validate:delivery`: the rules on the workflows, and the known mistakes, each of which must be found. */
import { checkRules, rules } from "./check-rules.ts";
import { lintWorkflows } from "./actionlint.ts";
import { isFound, isFoundByLinter, linterMistakes, mistakes } from "./planted-mistakes.ts";
import { readSurroundings } from "./surroundings.ts";
import { readWorkflows } from "./workflow-file.ts";

const texts = readWorkflows();
const surroundings = readSurroundings();
const findings = [...checkRules(texts, surroundings), ...(await lintWorkflows(texts))];
const missed = mistakes.filter((mistake) => !isFound(mistake, texts, surroundings));
for (const mistake of linterMistakes) {
  if (!(await isFoundByLinter(mistake, texts))) missed.push(mistake);
}
findings.push(...missed.map(({ rule, what }) => `${rule} does not find ${what}`));

for (const finding of findings) console.error(finding);
console.log(
  `${Object.keys(texts).length} workflows, ${rules.length} rules and actionlint, ${mistakes.length + linterMistakes.length} planted mistakes: ${findings.length} findings`,
);
console.log("not seen here: a run on GitHub, and GitHub's own reading of the files");
if (findings.length > 0) process.exitCode = 1;
