/** The real tools, and the mistakes they must find. */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { type AlertRule, type ObservabilityFiles, observabilityRoot, testFiles } from "./files.ts";
import { askedIn } from "./metric-usage.ts";

const run = promisify(execFile);

/** Where an alert must end up, by what it says of itself. */
const RECEIVERS: Readonly<Record<string, string>> = {
  page: "on-call",
  ticket: "tickets",
  none: "dead-mans-switch",
};

/** The first line of what `tool --version` says; null if it is not there. */
export async function versionOf(tool: "promtool" | "amtool"): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(tool, ["--version"]);
    return (stdout || stderr).split("\n")[0]?.split(" (")[0] ?? tool;
  } catch {
    return null;
  }
}

/**
 * Rules, with every lint, and their tests.
 * @param root - a folder like `deploy/observability`
 * @param tests - files of tests, relative to it
 */
export async function checkWithPromtool(
  root: string = observabilityRoot,
  tests: readonly string[] = testFiles(),
): Promise<readonly string[]> {
  const rules = ["alerts.yaml", "recording-rules.yaml"].map((file) =>
    join(root, "prometheus", file),
  );
  const testPaths = tests.map((file) => join(root, file));
  return [
    ...(await failureOf("promtool", ["check", "rules", "--lint=all", "--lint-fatal", ...rules])),
    ...(testPaths.length === 0 ? [] : await failureOf("promtool", ["test", "rules", ...testPaths])),
  ];
}

/** Every expression of dashboards, as the one who will evaluate them reads and types them. */
export async function checkBoardsWithPromtool(
  files: ObservabilityFiles,
): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), "observability-"));
  const rules = askedIn(files)
    .filter(({ kind }) => kind === "dashboard" || kind === "guide")
    .map(({ expr, where }, index) => ({ record: `dashboard:${index}`, labels: { where }, expr }));
  const file = join(folder, "dashboards.yaml");
  await writeFile(file, stringify({ groups: [{ name: "dashboards", rules }] }));
  const findings = await failureOf("promtool", ["check", "rules", file]);
  await rm(folder, { recursive: true });
  return findings;
}

/** The configuration, and where every alert ends up. */
export async function checkWithAmtool(
  alerts: readonly AlertRule[],
  root: string = observabilityRoot,
): Promise<readonly string[]> {
  const file = join(root, "alertmanager/alertmanager.yaml");
  const findings = [...(await failureOf("amtool", ["check-config", file]))];
  const sent = [
    ...alerts.map(({ alert, labels }) => [alert, labels?.["severity"] ?? ""] as const),
    ["NobodyThoughtOfIt", ""] as const,
  ];
  for (const [alert, severity] of sent) {
    const receiver = RECEIVERS[severity] ?? "tickets";
    const verify = [`--verify.receivers=${receiver}`, `--config.file=${file}`];
    const labels = [`alertname=${alert}`, ...(severity === "" ? [] : [`severity=${severity}`])];
    const failure = await failureOf("amtool", ["config", "routes", "test", ...verify, ...labels]);
    findings.push(...failure.map((said) => `${alert} does not reach ${receiver}: ${said}`));
  }
  return findings;
}

interface ToolMistake {
  readonly what: string;
  readonly file:
    | "prometheus/alerts.yaml"
    | "prometheus/recording-rules.yaml"
    | "alertmanager/alertmanager.yaml";
  /** What stands there, and what somebody wrote by mistake. */
  readonly from: string;
  readonly to: string;
  /** The file of tests that must notice, where a tool of tests has to. */
  readonly noticedBy?: string;
}

const MISTAKES: readonly ToolMistake[] = [
  { what: "a broken expression", file: "prometheus/alerts.yaml", from: "== 0", to: "== (" },
  {
    what: "a threshold nobody tested",
    file: "prometheus/alerts.yaml",
    from: "> 30",
    to: "> 300",
    noticedBy: "protection",
  },
  {
    what: "a misspelt metric",
    file: "prometheus/alerts.yaml",
    from: "_lease_sealed",
    to: "_lease_seald",
    noticedBy: "protection",
  },
  {
    what: "a wait that is too long",
    file: "prometheus/alerts.yaml",
    from: "for: 1m",
    to: "for: 1h",
    noticedBy: "watcher",
  },
  {
    what: "two applications taken for one",
    file: "prometheus/alerts.yaml",
    from: "max by (application) (cloudphoenix_leader)",
    to: "max(cloudphoenix_leader)",
    noticedBy: "watcher",
  },
  {
    what: "an error budget that counts the probes of balancers",
    file: "prometheus/recording-rules.yaml",
    from: "|traffic|",
    to: "|",
    noticedBy: "services",
  },
  {
    what: "a receiver that does not exist",
    file: "alertmanager/alertmanager.yaml",
    from: "receiver: on-call",
    to: "receiver: oncall",
  },
  {
    what: "pages that end up as tickets",
    file: "alertmanager/alertmanager.yaml",
    from: 'severity = "page"',
    to: 'severity = "critical"',
  },
];

export const toolMistakes: number = MISTAKES.length;

/** The mistakes that the tools do not find. */
export async function mistakesToolsMiss(files: ObservabilityFiles): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const { what, file, from, to, noticedBy } of MISTAKES) {
    const root = await mkdtemp(join(tmpdir(), "observability-"));
    for (const part of ["prometheus", "alertmanager"]) {
      await cp(join(observabilityRoot, part), join(root, part), { recursive: true });
    }
    const text = await readFile(join(root, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
    await writeFile(join(root, file), text.replaceAll(from, to));
    // One alert of each severity: every one of them is routed when the real file is checked.
    const found = file.startsWith("alertmanager")
      ? await checkWithAmtool(oneOfEach(files.alerts), root)
      : await checkWithPromtool(
          root,
          noticedBy === undefined ? [] : [`prometheus/tests/${noticedBy}.test.yaml`],
        );
    if (found.length === 0) missed.push(`the tools do not find: ${what}`);
    await rm(root, { recursive: true });
  }
  return missed;
}

function oneOfEach(alerts: readonly AlertRule[]): readonly AlertRule[] {
  return Object.keys(RECEIVERS).flatMap((severity) =>
    alerts.filter(({ labels }) => labels?.["severity"] === severity).slice(0, 1),
  );
}

/** What the tool says if it fails, in one finding. */
async function failureOf(tool: string, args: readonly string[]): Promise<readonly string[]> {
  try {
    // The tests of alerts tidy up seldom, and cost a fifth less for it.
    await run(tool, args, { env: { GOGC: "400", ...process.env } });
    return [];
  } catch (error) {
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    const told = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    return [`${tool} ${args[0]}: ${`${said}${told}`.trim()}`];
  }
}
