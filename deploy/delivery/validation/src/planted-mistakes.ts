/** Mistakes people make, each planted into a copy of the real workflows to see its rule bite. */
import { lintWorkflows } from "./actionlint.ts";
import type { Surroundings } from "./rule.ts";
import { checkRules } from "./check-rules.ts";

type Texts = Readonly<Record<string, string>>;

/** One mistake. */
export interface Mistake {
  readonly rule: string;
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2";
const GRYPE = "@sha256:8c2c9234a345577a6d321a4753aa3ee1276d8975c8452d2344a56b57733ecad3";

/** Rows of rule, mistake, file, and what stands in the place of what. */
const ROWS: readonly (readonly [string, string, string, string, string])[] = [
  ["pinned-actions", "a tag that can move", "test.yml", CHECKOUT, "actions/checkout@v4"],
  ["pinned-actions", "a hash without a version", "test.yml", " # v4.2.2", ""],
  ["pinned-actions", "a short hash", "test.yml", CHECKOUT, "actions/checkout@11bd719 # v4.2.2"],
  ["pinned-containers", "a scanner that can move", "images.yml", GRYPE, ""],
  [
    "pinned-containers",
    "an image named in a command",
    "images.yml",
    '"$GRYPE"',
    "anchore/grype:latest",
  ],
  [
    "verified-downloads",
    "a download nobody compares",
    "infrastructure.yml",
    "sha256sum --check",
    "cat",
  ],
  [
    "no-dangerous-triggers",
    "a stranger's code with our rights",
    "test.yml",
    "  pull_request:\n",
    "  pull_request_target:\n",
  ],
  [
    "no-rights-by-default",
    "every right for every job",
    "test.yml",
    "permissions: {}",
    "permissions: write-all",
  ],
  ["least-rights", "a test that may push", "test.yml", "contents: read", "contents: write"],
  [
    "least-rights",
    "a job that does not say",
    "test.yml",
    "    permissions:\n      contents: read\n",
    "",
  ],
  [
    "least-rights",
    "all of it at once",
    "images.yml",
    "    permissions: {}\n",
    "    permissions: write-all\n",
  ],
  [
    "no-expressions-in-commands",
    "a title that becomes a command",
    "test.yml",
    "- run: .ci/run",
    '- run: .ci/run "${{ github.event.pull_request.title }}"',
  ],
  [
    "no-expressions-in-commands",
    "a secret in a command",
    "images.yml",
    '<<< "$TOKEN"',
    '<<< "${{ secrets.GITHUB_TOKEN }}"',
  ],
  [
    "secrets-only-in-env",
    "a secret handed to an action",
    "release.yml",
    "fetch-depth: 0",
    "token: ${{ secrets.GITHUB_TOKEN }}",
  ],
  [
    "secrets-only-in-env",
    "every secret inherited",
    "release.yml",
    "    uses: ./.github/workflows/test.yml",
    "    secrets: ${{ toJSON(secrets.ALL) }}\n    uses: ./.github/workflows/test.yml",
  ],
  [
    "no-credentials-left",
    "a token left in .git",
    "test.yml",
    "persist-credentials: false",
    "fetch-depth: 1",
  ],
  ["known-keys", "timeout-minute", "test.yml", "timeout-minutes", "timeout-minute"],
  [
    "known-keys",
    "a misspelt permission block",
    "images.yml",
    "permissions:\n      contents: read\n      packages",
    "permisions:\n      contents: read\n      packages",
  ],
  [
    "known-triggers",
    "an event that does not exist",
    "test.yml",
    "  pull_request:\n",
    "  pull_requests:\n",
  ],
  ["expressions-resolve", "a job nobody waits for", "images.yml", "needs: bases", "needs: []"],
  [
    "expressions-resolve",
    "an output that is never set",
    "images.yml",
    "steps.digests.outputs.build",
    "steps.digests.outputs.bild",
  ],
  [
    "expressions-resolve",
    "a matrix value that is not there",
    "images.yml",
    "${{ matrix.image }}",
    "${{ matrix.images }}",
  ],
  ["expressions-resolve", "an input nobody declares", "images.yml", "inputs.version", "inputs.tag"],
  ["timeouts", "a job without an end", "test.yml", "    timeout-minutes: 110\n", ""],
  ["timeouts", "a job of a day", "test.yml", "timeout-minutes: 110", "timeout-minutes: 1440"],
  ["concurrency", "runs that race", "release.yml", "  group: release\n", ""],
  [
    "pinned-runners",
    "a runner that changes by itself",
    "test.yml",
    "ubuntu-24.04",
    "ubuntu-latest",
  ],
  ["strict-shell", "a pipe that hides a failure", "test.yml", "shell: bash", "shell: sh"],
  [
    "named-things-exist",
    "a script that does not exist",
    "test.yml",
    "- run: .ci/run",
    "- run: npm run everything",
  ],
  [
    "named-things-exist",
    "a file that is not there",
    "images.yml",
    "deploy/containers/Dockerfile --target",
    "deploy/containers/Containerfile --target",
  ],
  ["named-things-exist", "a job that does not exist", "release.yml", "needs: test", "needs: tests"],
  [
    "named-things-exist",
    "a workflow that cannot be called",
    "release.yml",
    "./.github/workflows/test.yml",
    "./.github/workflows/infrastructure.yml",
  ],
  ["every-image-is-built", "a forgotten image", "images.yml", ", worker]", "]"],
  ["provenance-and-contents", "no provenance", "images.yml", "--provenance=mode=max ", ""],
  ["provenance-and-contents", "no list of contents", "images.yml", "--sbom=true ", ""],
  [
    "scanned-before-pushed",
    "a push that does not wait",
    "images.yml",
    "needs: [bases, scan]",
    "needs: [bases]",
  ],
  ["scanned-before-pushed", "a scan that never fails", "images.yml", "--fail-on high", ""],
  ["every-gate-runs", "nothing tested", "test.yml", "- run: .ci/run", "- run: true"],
];

/** What only the real linter sees. */
const LINTER_ROWS: typeof ROWS = [
  [
    "actionlint",
    "a context that does not exist",
    "test.yml",
    "github.event_name ==",
    "github.evnt_name ==",
  ],
  [
    "actionlint",
    "a text in the wrong quotes",
    "test.yml",
    "'pull_request' }}",
    '"pull_request" }}',
  ],
];

export const mistakes: readonly Mistake[] = ROWS.map(mistakeOf);

export const linterMistakes: readonly Mistake[] = LINTER_ROWS.map(mistakeOf);

function mistakeOf([rule, what, file, from, to]: (typeof ROWS)[number]): Mistake {
  return { rule, what, file, from, to };
}

/** Whether its own rule finds `mistake` in `texts`. @throws {RangeError} if it could not be planted */
export function isFound(mistake: Mistake, texts: Texts, surroundings: Surroundings): boolean {
  return names(mistake, checkRules(planted(mistake, texts), surroundings));
}

/** Whether the linter finds `mistake`. @throws {RangeError} if it could not be planted */
export async function isFoundByLinter(mistake: Mistake, texts: Texts): Promise<boolean> {
  return names(mistake, await lintWorkflows(planted(mistake, texts)));
}

function names({ rule }: Mistake, findings: readonly string[]): boolean {
  return findings.some((finding) => finding.startsWith(`${rule}: `));
}

function planted({ file, from, to }: Mistake, texts: Texts): Texts {
  const text = texts[file] ?? "";
  if (!text.includes(from)) throw new RangeError(`${file} has no ${JSON.stringify(from)}`);
  return { ...texts, [file]: text.replace(from, () => to) };
}
