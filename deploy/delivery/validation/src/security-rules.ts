/** What a stranger's pull request, a moved tag or a leaked token must not be able to do. */
import type { Rule } from "./rule.ts";
import { type Data, dataOf, type Job, triggersOf, type Workflow } from "./workflow-file.ts";

/** The only rights to write, by file and job; everything else may read at most. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
  "images.yml push": ["packages"],
  "release.yml images": ["packages"],
  "release.yml publish": ["contents"],
};

/** Events that run a stranger's code, or on a stranger's word, with this repository's rights. */
const DANGEROUS = ["pull_request_target", "workflow_run", "issue_comment", "issues"];

const CHECKOUT = "actions/checkout@";

export const securityRules: readonly Rule[] = [
  {
    name: "pinned-actions",
    check: (workflows) =>
      workflows.flatMap(({ file, text }) =>
        [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)]
          .map(([, uses = ""]) => uses)
          .filter((uses) => !uses.startsWith("./"))
          .filter((uses) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses))
          .map(
            (uses) =>
              `${file}: ${uses} is not pinned by a commit's hash with its version beside it`,
          ),
      ),
  },
  {
    name: "pinned-containers",
    check: (workflows) =>
      workflows.flatMap((workflow) => [
        ...eachStep(workflow, ({ run }) => containersIn(run)),
        ...imagesNamed(workflow),
      ]),
  },
  {
    name: "verified-downloads",
    check: (workflows) =>
      workflows.flatMap((workflow) =>
        eachStep(workflow, ({ run }) =>
          /\b(curl|wget)\b/.test(run) && !run.includes("sha256sum --check")
            ? ["downloads something and does not compare its hash"]
            : [],
        ),
      ),
  },
  {
    name: "no-dangerous-triggers",
    check: (workflows) =>
      workflows.flatMap((workflow) =>
        triggersOf(workflow)
          .filter((trigger) => DANGEROUS.includes(trigger))
          .map((trigger) => `${workflow.file} starts on ${trigger}`),
      ),
  },
  {
    name: "no-rights-by-default",
    check: (workflows) =>
      workflows
        .filter(({ data }) => JSON.stringify(data["permissions"]) !== "{}")
        .map(({ file }) => `${file} must begin with permissions: {}`),
  },
  {
    name: "least-rights",
    check: (workflows) =>
      workflows.flatMap((workflow) => workflow.jobs.flatMap((job) => rightsOf(workflow, job))),
  },
  {
    name: "no-expressions-in-commands",
    check: (workflows) =>
      workflows.flatMap((workflow) =>
        eachStep(workflow, ({ run }) =>
          run.includes("${{")
            ? ["puts an expression into a command; hand it over in env, where it is only a value"]
            : [],
        ),
      ),
  },
  {
    name: "secrets-only-in-env",
    check: (workflows) =>
      workflows.flatMap(({ file, text }) =>
        text
          .split("\n")
          .filter((line) => line.includes("secrets."))
          .filter((line) => !/^\s+[A-Z][A-Z_]*: \$\{\{ secrets\.[A-Z_]+ \}\}$/.test(line))
          .map(
            (line) => `${file}: "${line.trim()}" lets a secret go elsewhere than into one variable`,
          ),
      ),
  },
  {
    name: "no-credentials-left",
    check: (workflows) =>
      workflows.flatMap((workflow) =>
        eachStep(workflow, ({ uses, data }) =>
          uses.startsWith(CHECKOUT) && dataOf(data["with"])["persist-credentials"] !== false
            ? ["leaves its token in .git; set persist-credentials: false"]
            : [],
        ),
      ),
  },
];

function rightsOf({ file }: Workflow, job: Job): readonly string[] {
  const { permissions } = job.data;
  if (permissions === undefined) return [`${file} ${job.name} does not say what it may do`];
  if (typeof permissions === "string") return [`${file} ${job.name} asks for ${permissions}`];
  const allowed = MAY_WRITE[`${file} ${job.name}`] ?? [];
  return Object.entries(dataOf(permissions))
    .filter(([right, level]) => level === "write" && !allowed.includes(right))
    .map(([right]) => `${file} ${job.name} may write ${right} without need`);
}

/** Images a command runs or pulls that are not named by a variable or a digest. */
function containersIn(run: string): readonly string[] {
  const commands = run.replaceAll("\\\n", " ").split("\n");
  return commands
    .filter((command) => /\bdocker (run|pull)\b/.test(command))
    .filter((command) => !/"\$[A-Za-z_]+"|@sha256:[0-9a-f]{64}/.test(command))
    .map((command) => `runs an image that is not pinned by digest: ${command.trim()}`);
}

/** Variables that name an image for `docker run`: a registry, a tag, no digest. */
function imagesNamed({ file, data, jobs }: Workflow): readonly string[] {
  const scopes: readonly Data[] = [data, ...jobs.map((job) => job.data)];
  return scopes
    .flatMap((scope) => Object.entries(dataOf(scope["env"])))
    .filter(([name]) => !["BUILD_IMAGE", "RUNTIME_IMAGE"].includes(name))
    .filter(([, value]) => /^(docker\.io|ghcr\.io|gcr\.io|quay\.io)\/[^@]*$/.test(String(value)))
    .map(([name]) => `${file}: ${name} names an image that is not pinned by digest`);
}

function eachStep(
  { file, jobs }: Workflow,
  check: (step: Job["steps"][number]) => readonly string[],
): readonly string[] {
  return jobs.flatMap(({ name, steps }) =>
    steps.flatMap((step) => check(step).map((finding) => `${file} ${name} ${finding}`)),
  );
}
