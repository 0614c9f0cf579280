/** Mistakes people make, each planted into a copy of the real thing to see its rule bite. */
import { parseImageFile } from "./image-file.ts";
import type { Surroundings } from "./rule.ts";
import { checkRules } from "./rules.ts";

/** One mistake. */
export interface Mistake {
  readonly rule: string;
  readonly what: string;
  readonly plant: (text: string) => string;
  readonly around?: (surroundings: Surroundings) => Surroundings;
}

const same = (text: string): string => text;
const BUILD_IMAGE = "docker.io/library/node:24.21.0-bookworm-slim";
const RUNTIME_IMAGE = "gcr.io/distroless/cc-debian12:nonroot";

/** Replaces the first place; planting nothing would prove nothing. */
function swap(from: string, to: string): (text: string) => string {
  return (text) => {
    if (!text.includes(from)) throw new RangeError(`the Dockerfile has no ${JSON.stringify(from)}`);
    return text.replace(from, to);
  };
}

export const mistakes: readonly Mistake[] = [
  { rule: "known-instructions", what: "a misspelt instruction", plant: swap("\nUSER ", "\nUSR ") },
  {
    rule: "several-stages",
    what: "an image with everything that built it",
    plant: (text) =>
      `${text}\nFROM ${RUNTIME_IMAGE} AS fat\nCOPY . /app\nENTRYPOINT ["node", "x"]\n`,
  },
  { rule: "base-of-one-release", what: "the tag latest", plant: swap(BUILD_IMAGE, "node:latest") },
  { rule: "base-of-one-release", what: "no tag", plant: swap(BUILD_IMAGE, "node") },
  { rule: "base-of-one-release", what: "a moving tag", plant: swap(BUILD_IMAGE, "node:24-slim") },
  {
    rule: "base-of-one-release",
    what: "a distroless image of no release",
    plant: swap(RUNTIME_IMAGE, "gcr.io/distroless/cc:nonroot"),
  },
  {
    rule: "digest-at-build",
    what: "a base that the pipeline cannot replace",
    plant: swap("FROM ${RUNTIME_IMAGE} AS", `FROM ${RUNTIME_IMAGE} AS`),
  },
  {
    rule: "digest-at-build",
    what: "a base that is not the one the pipeline asks for",
    plant: swap(RUNTIME_IMAGE, "gcr.io/distroless/cc-debian13:nonroot"),
  },
  {
    rule: "digest-at-build",
    what: "a build that takes the tag as it is",
    plant: same,
    around: (now) => ({
      ...now,
      pipeline: now.pipeline.replace(/ --build-arg RUNTIME_IMAGE="\$BASE_RUNTIME"/, ""),
    }),
  },
  {
    rule: "digest-at-build",
    what: "a pipeline that asks nobody for the digest",
    plant: same,
    around: (now) => ({ ...now, pipeline: now.pipeline.replaceAll(/@\$\(digest [^)]*\)/g, "") }),
  },
  { rule: "minimal-base", what: "a base with a shell", plant: swap(RUNTIME_IMAGE, BUILD_IMAGE) },
  {
    rule: "nothing-run-in-images",
    what: "an installation in the image itself",
    plant: swap(
      "\nEXPOSE 8080",
      "\nRUN npm ci --omit=dev --ignore-scripts --workspace x\nEXPOSE 8080",
    ),
  },
  { rule: "unprivileged-user", what: "a user by name", plant: swap("65532:65532", "nonroot") },
  { rule: "unprivileged-user", what: "root", plant: swap("65532:65532", "0:0") },
  {
    rule: "unprivileged-user",
    what: "a user of the host",
    plant: swap("65532:65532", "1000:1000"),
  },
  {
    rule: "unprivileged-user",
    what: "another user than the manifest's",
    plant: swap("65532:65532", "65533:65533"),
  },
  { rule: "unprivileged-user", what: "no user", plant: swap("\nUSER 65532:65532", "") },
  {
    rule: "exec-form",
    what: "an entry point run by a shell",
    plant: swap(
      'ENTRYPOINT ["node", "apps/agent/src/main.ts"]',
      "ENTRYPOINT node apps/agent/src/main.ts",
    ),
  },
  {
    rule: "entry-point-exists",
    what: "an entry point that does not exist",
    plant: swap('"services/orders/src/main.ts"', '"services/orders/src/start.ts"'),
  },
  {
    rule: "entry-point-exists",
    what: "an entry point that is not copied",
    plant: swap("COPY --from=orders-modules /app/services/orders services/orders\n", ""),
  },
  {
    rule: "health-check",
    what: "a health check that needs a shell",
    plant: swap('CMD ["node", "/opt/health-check.mjs", "/live"]', "CMD curl -f localhost"),
  },
  {
    rule: "health-check",
    what: "no health check",
    plant: (text) => text.replaceAll(/HEALTHCHECK[^\n]*\\\n[^\n]*\n/g, ""),
  },
  {
    rule: "no-add",
    what: "ADD of an address",
    plant: swap("\nCOPY apps apps", "\nADD https://example.com/a.tar /a"),
  },
  {
    rule: "no-secrets",
    what: "a password as argument",
    plant: swap("\nCOPY apps apps", "\nARG NPM_TOKEN\nCOPY apps apps"),
  },
  {
    rule: "no-secrets",
    what: "a password in the environment",
    plant: swap("\nENV HOST", "\nENV DATABASE_PASSWORD=x HOST"),
  },
  { rule: "reproducible-install", what: "npm install", plant: swap("npm ci", "npm install") },
  {
    rule: "reproducible-install",
    what: "install scripts that run",
    plant: swap(" --ignore-scripts", ""),
  },
  { rule: "reproducible-install", what: "development packages", plant: swap(" --omit=dev", "") },
  {
    rule: "nothing-fetched",
    what: "a program from the network",
    plant: swap("\nCOPY apps apps", "\nRUN curl https://x | sh\nCOPY apps apps"),
  },
  {
    rule: "read-only-root",
    what: "a volume",
    plant: swap("\nEXPOSE 8080", "\nVOLUME /data\nEXPOSE 8080"),
  },
  {
    rule: "read-only-root",
    what: "a cache outside /tmp",
    plant: swap("=/tmp/compile-cache", "=/app/cache"),
  },
  {
    rule: "ignore-everything-else",
    what: "no ignore file",
    plant: same,
    around: (now) => ({ ...now, ignored: null }),
  },
  {
    rule: "ignore-everything-else",
    what: "an ignore file that lets keys in",
    plant: same,
    around: (now) => ({
      ...now,
      ignored: now.ignored?.filter((line) => line !== "**/*.key") ?? null,
    }),
  },
  {
    rule: "same-as-manifests",
    what: "a deployment without an image",
    plant: swap(" AS orders\n", " AS order\n"),
  },
  {
    rule: "same-as-manifests",
    what: "a manifest that starts something else",
    plant: same,
    around: (now) => ({
      ...now,
      containers: now.containers.map((one) => ({ ...one, command: ["node", "main.js"] })),
    }),
  },
];

/** Whether the rule finds the mistake. */
export function isFound(mistake: Mistake, text: string, surroundings: Surroundings): boolean {
  const around = mistake.around?.(surroundings) ?? surroundings;
  const found = checkRules(parseImageFile(mistake.plant(text)), around);
  return found.some((finding) => finding.startsWith(`${mistake.rule}: `));
}
