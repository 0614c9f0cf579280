/** The real tools, and the mistakes they must find. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { observabilityRoot } from "./files.ts";

const run = promisify(execFile);
const prometheus = join(observabilityRoot, "prometheus");
const alertmanager = join(observabilityRoot, "alertmanager/alertmanager.yaml");

/** Where an alert of these labels must end up. */
const ROUTES: readonly (readonly [labels: readonly string[], receiver: string])[] = [
  [["alertname=SiteScoresForAMove", "severity=page"], "on-call"],
  [["alertname=ServiceSlow", "severity=ticket"], "tickets"],
  [["alertname=Watchdog", "severity=none"], "dead-mans-switch"],
  [["alertname=Unheard"], "tickets"],
];

/** The first line of what `tool --version` says; null if it is not there. */
export async function versionOf(tool: "promtool" | "amtool"): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(tool, ["--version"]);
    return (stdout || stderr).split("\n")[0]?.split(" (")[0] ?? tool;
  } catch {
    return null;
  }
}

/** Rules, with every lint, and their tests. */
export async function checkWithPromtool(folder: string = prometheus): Promise<readonly string[]> {
  const rules = ["alerts.yaml", "recording-rules.yaml"].map((file) => join(folder, file));
  return [
    ...(await failureOf("promtool", ["check", "rules", "--lint=all", "--lint-fatal", ...rules])),
    ...(await failureOf("promtool", ["test", "rules", join(folder, "alerts.test.yaml")])),
  ];
}

/** The configuration, and where alerts end up. */
export async function checkWithAmtool(file: string = alertmanager): Promise<readonly string[]> {
  const findings = [...(await failureOf("amtool", ["check-config", file]))];
  for (const [labels, receiver] of ROUTES) {
    const verify = [`--verify.receivers=${receiver}`, `--config.file=${file}`, ...labels];
    findings.push(...(await failureOf("amtool", ["config", "routes", "test", ...verify])));
  }
  return findings;
}

/** Text of a file before and after a mistake, and the tool that must refuse the latter. */
const MISTAKES: readonly {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}[] = [
  { what: "a broken expression", file: "alerts.yaml", from: "== 0", to: "== (" },
  { what: "a threshold nobody tested", file: "alerts.yaml", from: "> 30", to: "> 300" },
  { what: "a misspelt metric", file: "alerts.yaml", from: "_lease_sealed", to: "_lease_seald" },
  { what: "a wait that is too long", file: "alerts.yaml", from: "for: 1m", to: "for: 1h" },
  {
    what: "a receiver that does not exist",
    file: "alertmanager.yaml",
    from: "receiver: on-call",
    to: "receiver: oncall",
  },
  {
    what: "pages that end up as tickets",
    file: "alertmanager.yaml",
    from: 'severity = "page"',
    to: 'severity = "critical"',
  },
];

export const toolMistakes: number = MISTAKES.length;

/** The mistakes that the tools do not find. */
export async function mistakesToolsMiss(): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const { what, file, from, to } of MISTAKES) {
    const folder = await copyWith(file, from, to);
    const found = file.startsWith("alertmanager")
      ? await checkWithAmtool(join(folder, file))
      : await checkWithPromtool(folder);
    if (found.length === 0) missed.push(`the tools do not find: ${what}`);
    await rm(folder, { recursive: true });
  }
  return missed;
}

async function copyWith(file: string, from: string, to: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "observability-"));
  const sources = [
    ...["alerts.yaml", "alerts.test.yaml", "recording-rules.yaml"].map((one) =>
      join(prometheus, one),
    ),
    alertmanager,
  ];
  for (const source of sources) {
    const name = source.split("/").at(-1) ?? "";
    const text = await readFile(source, "utf8");
    if (name === file && !text.includes(from)) throw new Error(`${file} does not hold ${from}`);
    await writeFile(join(folder, name), name === file ? text.replace(from, to) : text);
  }
  return folder;
}

/** What the tool says if it fails, in one finding. */
async function failureOf(tool: string, args: readonly string[]): Promise<readonly string[]> {
  try {
    await run(tool, args);
    return [];
  } catch (error) {
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    const told = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    return [`${tool} ${args[0]}: ${`${said}${told}`.trim()}`];
  }
}
