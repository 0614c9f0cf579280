/** That a workflow is what GitHub can read, ends, and does what it is there for. */
import type { Rule, Surroundings } from "./rule.ts";
import { dataOf, type Job, triggersOf, type Workflow } from "./workflow-file.ts";

const WORKFLOW_KEYS = ["name", "on", "permissions", "concurrency", "defaults", "env", "jobs"];
const JOB_KEYS = [
  "needs",
  "if",
  "runs-on",
  "timeout-minutes",
  "permissions",
  "outputs",
  "strategy",
  "env",
  "steps",
  "uses",
  "with",
];
const STEP_KEYS = ["id", "name", "if", "uses", "with", "run", "env"];
const TRIGGERS = ["pull_request", "push", "schedule", "workflow_call", "workflow_dispatch"];
const RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm"];
const LONGEST_MINUTES = 120;

export const structureRules: readonly Rule[] = [
  {
    name: "known-keys",
    check: (workflows) => workflows.flatMap(unknownKeys),
  },
  {
    name: "known-triggers",
    check: (workflows) =>
      workflows.flatMap((workflow) =>
        triggersOf(workflow)
          .filter((trigger) => !TRIGGERS.includes(trigger))
          .map((trigger) => `${workflow.file} waits for ${trigger}, which nobody here sends`),
      ),
  },
  {
    name: "expressions-resolve",
    check: (workflows) => workflows.flatMap((workflow) => dangling(workflow)),
  },
  {
    name: "timeouts",
    check: (workflows) =>
      workflows.flatMap(({ file, jobs }) =>
        jobs
          .filter(({ calls }) => calls === "")
          .filter(({ data }) => {
            const minutes = Number(data["timeout-minutes"]);
            return !(minutes >= 1 && minutes <= LONGEST_MINUTES);
          })
          .map(({ name }) => `${file} ${name} has no limit of 1 to ${LONGEST_MINUTES} minutes`),
      ),
  },
  {
    name: "concurrency",
    check: (workflows) =>
      workflows
        .filter(({ data }) => dataOf(data["concurrency"])["group"] === undefined)
        .map(({ file }) => `${file} names no concurrency group`),
  },
  {
    name: "pinned-runners",
    check: (workflows) =>
      workflows.flatMap(({ file, jobs }) =>
        jobs
          .filter(({ calls }) => calls === "")
          .filter(({ data }) => !RUNNERS.includes(String(data["runs-on"])))
          .map(({ name, data }) => `${file} ${name} runs on ${String(data["runs-on"])}`),
      ),
  },
  {
    name: "strict-shell",
    check: (workflows) =>
      workflows
        .filter(({ data }) => dataOf(dataOf(data["defaults"])["run"])["shell"] !== "bash")
        .map(({ file }) => `${file} does not ask for bash, so a broken pipe would pass`),
  },
  {
    name: "named-things-exist",
    check: (workflows, surroundings) =>
      workflows.flatMap((workflow) => missingThings(workflow, workflows, surroundings)),
  },
  {
    name: "every-image-is-built",
    check: (workflows, { images }) =>
      workflows
        .filter(({ file }) => file === "images.yml")
        .flatMap(({ jobs }) => jobs)
        .filter(({ data }) => data["strategy"] !== undefined)
        .flatMap(({ name, data }) => {
          const built = dataOf(dataOf(data["strategy"])["matrix"])["image"];
          const list = Array.isArray(built) ? built.map(String).toSorted() : [];
          return list.join() === images.toSorted().join()
            ? []
            : [
                `images.yml ${name} builds ${list.join(", ")}, the Dockerfile has ${images.join(", ")}`,
              ];
        }),
  },
  {
    name: "provenance-and-contents",
    check: (workflows) =>
      commands(workflows)
        .filter(({ command }) => /docker buildx build .*--push\b/.test(command))
        .filter(({ command }) => !/--provenance=mode=max .*--sbom=true/.test(command))
        .map(({ where }) => `${where} pushes an image without provenance or list of contents`),
  },
  {
    name: "scanned-before-pushed",
    check: (workflows) => workflows.flatMap(unscanned),
  },
  {
    name: "every-gate-runs",
    check: (workflows, { scripts, ci }) => [
      ...scripts
        .filter((script) => script.startsWith("validate:"))
        .filter((script) => !ci.includes(`npm run ${script}`))
        .map((script) => `.ci/run does not run npm run ${script}`),
      ...(commands(workflows).some(({ command }) => command.trim() === ".ci/run")
        ? []
        : ["no workflow runs .ci/run"]),
    ],
  },
];

function unknownKeys({ file, data, jobs }: Workflow): readonly string[] {
  return [
    ...unknown(file, data, WORKFLOW_KEYS),
    ...jobs.flatMap((job) => [
      ...unknown(`${file} ${job.name}`, job.data, JOB_KEYS),
      ...job.steps.flatMap((step) => unknown(`${file} ${job.name}`, step.data, STEP_KEYS)),
    ]),
  ];
}

function unknown(where: string, found: object, known: readonly string[]): readonly string[] {
  return Object.keys(found)
    .filter((key) => !known.includes(key))
    .map((key) => `${where} has a key ${key}`);
}

/** References inside `${{ }}` to jobs, steps, inputs and matrix values that are not there. */
function dangling({ file, data, jobs }: Workflow): readonly string[] {
  const inputs = Object.keys(dataOf(dataOf(dataOf(data["on"])["workflow_call"])["inputs"]));
  return jobs.flatMap((job) => {
    const known = namesIn(job, jobs, inputs);
    const text = JSON.stringify(job.data);
    return [...text.matchAll(/\$\{\{(.*?)\}\}/g)]
      .flatMap(([, expression = ""]) => [
        ...expression.matchAll(/\b(needs|steps|matrix|inputs|env)((?:\.[\w-]+)+)/g),
      ])
      .map(([reference]) => reference)
      .filter((reference) => !known.has(reference))
      .map((reference) => `${file} ${job.name} asks for ${reference}, which is not there`);
  });
}

function namesIn(job: Job, jobs: readonly Job[], inputs: readonly string[]): ReadonlySet<string> {
  const outputs = jobs
    .filter(({ name }) => job.needs.includes(name))
    .flatMap(({ name, data }) =>
      Object.keys(dataOf(data["outputs"])).map((output) => `needs.${name}.outputs.${output}`),
    );
  const steps = job.steps.flatMap(({ data, run }) =>
    [...run.matchAll(/echo "(\w+)=/g)].map(
      ([, key]) => `steps.${String(data["id"])}.outputs.${key}`,
    ),
  );
  const matrix = Object.keys(dataOf(dataOf(job.data["strategy"])["matrix"]));
  return new Set([
    ...outputs,
    ...steps,
    ...matrix.map((key) => `matrix.${key}`),
    ...inputs.map((input) => `inputs.${input}`),
  ]);
}

function missingThings(
  { file, jobs }: Workflow,
  workflows: readonly Workflow[],
  { scripts, exists }: Surroundings,
): readonly string[] {
  return jobs.flatMap(({ name, needs, calls, steps }) => {
    const where = `${file} ${name}`;
    const callee = workflows.find((other) => calls.endsWith(`/${other.file}`));
    const runs = steps.map(({ run }) => run).join("\n");
    const typed = [...runs.matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map(
      ([, script = ""]) => script,
    );
    const paths = [...runs.matchAll(/(?<![\w/.])((?:deploy|\.ci)\/[\w./-]*\w)(?![\w*$"])/g)].map(
      ([, path = ""]) => path,
    );
    return [
      ...needs
        .filter((need) => !jobs.some((job) => job.name === need))
        .map((need) => `${where} waits for ${need}, which is no job`),
      ...(calls === "" || (callee !== undefined && triggersOf(callee).includes("workflow_call"))
        ? []
        : [`${where} calls ${calls}, which cannot be called`]),
      ...typed
        .filter((script) => !scripts.includes(script))
        .map((script) => `${where} runs npm run ${script}, which does not exist`),
      ...paths
        .filter((path) => !exists(path))
        .map((path) => `${where} names ${path}, which is not there`),
    ];
  });
}

/** A job that pushes must wait for one that scans and fails. */
function unscanned({ file, jobs }: Workflow): readonly string[] {
  const scanning = jobs
    .filter(({ steps }) => steps.some(({ run }) => /--fail-on (high|medium|low)/.test(run)))
    .map(({ name }) => name);
  return jobs
    .filter(({ steps }) => steps.some(({ run }) => run.includes("--push")))
    .filter(({ needs }) => !needs.some((need) => scanning.includes(need)))
    .map(({ name }) => `${file} ${name} pushes what nobody has scanned`);
}

function commands(
  workflows: readonly Workflow[],
): readonly { readonly where: string; readonly command: string }[] {
  return workflows.flatMap(({ file, jobs }) =>
    jobs.flatMap(({ name, steps }) =>
      steps.flatMap(({ run }) =>
        run
          .replaceAll("\\\n", " ")
          .split("\n")
          .map((command) => ({ where: `${file} ${name}`, command })),
      ),
    ),
  );
}
