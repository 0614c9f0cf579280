/**
 * `npm run validate:containers`: checks the rules on the Dockerfile, plants the known mistakes to see
 * each one found, and assembles every image without a container engine and starts its program.
 */
import { type FirstWords, tryImage } from "./assemble-image.ts";
import { imagesOf, parseImageFile, readDockerfile } from "./image-file.ts";
import { isFound, mistakes } from "./planted-mistakes.ts";
import { checkRules, rules } from "./rules.ts";
import { readSurroundings } from "./surroundings.ts";

/** Told nothing, each program refuses by name; a missing package would end it before. */
const FIRST_WORDS: Readonly<Record<string, FirstWords>> = {
  controller: { exitCode: 64, says: "--config" },
  worker: { exitCode: 64, says: "--config" },
  agent: { exitCode: 64, says: "missing --config" },
  orders: { exitCode: 2, says: "DATABASE_URL: " },
  fulfilment: { exitCode: 2, says: "DATABASE_URL: " },
  storefront: { exitCode: 2, says: "ORDERS_URL: " },
};

const text = readDockerfile();
const file = parseImageFile(text);
const surroundings = readSurroundings();
const images = imagesOf(file);
const findings = [...checkRules(file, surroundings)];
const missed = mistakes.filter((mistake) => !isFound(mistake, text, surroundings));
findings.push(...missed.map(({ rule, what }) => `${rule} does not find ${what}`));

for (const image of images) {
  const expected = FIRST_WORDS[image.name];
  if (expected === undefined) {
    findings.push(`nobody knows how ${image.name} answers; add it to ${import.meta.filename}`);
    continue;
  }
  const found = await tryImage(file, image, expected);
  findings.push(...found);
  console.log(`${image.name}: ${found.length === 0 ? "assembled and started" : "does not start"}`);
}

for (const finding of findings) console.error(finding);
console.log(
  `${images.length} images, ${rules.length} rules, ${mistakes.length} planted mistakes: ${findings.length} findings`,
);
console.log("not seen here: the base images, and a build by a container engine");
if (findings.length > 0) process.exitCode = 1;
