import { DEFAULT_POLICY } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { type Configuration, type Problem, validateConfiguration } from "../src/index.ts";
import { EXAMPLE, exampleWith } from "./example.ts";

function accepted(text: string, environment: Record<string, string> = {}): Configuration {
  const validation = validateConfiguration(text, "/etc/cloudphoenix/shop.yaml", environment);
  if ("problems" in validation) throw new Error(JSON.stringify(validation.problems, null, 1));
  return validation.configuration;
}

function refused(text: string): readonly Problem[] {
  const validation = validateConfiguration(text, "shop.yaml");
  if ("configuration" in validation) throw new Error("the text was accepted");
  return validation.problems;
}

/** Line and column (from 1) of `marker` in `text`. */
function placeOf(text: string, marker: string): { line: number; column: number } {
  const before = text.slice(0, text.indexOf(marker)).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

describe("the complete example", () => {
  const configuration = accepted(EXAMPLE);

  test("loads without a warning", () => {
    expect(configuration.warnings).toEqual([]);
  });

  test("names the application with its sites in order of preference", () => {
    expect(configuration.application).toEqual({
      name: "shop",
      objectives: { rtoMs: 10_000, rpoMs: 5000 },
      workloads: [{ name: "orders", replicas: 2 }],
      sites: [
        { id: "aws-us-east-1", cloud: "aws", region: "us-east-1" },
        { id: "azure-westeurope", cloud: "azure", region: "westeurope" },
      ],
    });
  });

  test("resolves file names against the folder of the file", () => {
    expect(configuration.sites[0]?.database.passwordFile).toBe("/etc/cloudphoenix/secrets/db-aws");
    expect(configuration.state).toEqual({ kind: "embedded", directory: "/etc/cloudphoenix/state" });
    expect(configuration.notify).toEqual([
      { kind: "webhook", urlFile: "/etc/cloudphoenix/secrets/webhook" },
    ]);
  });

  test("gives every vantage the cloud of its site, and none to those outside", () => {
    const clouds = configuration.vantages.map(({ id, cloud }) => [id, cloud]);
    expect(clouds).toEqual([
      ["control", null],
      ["internet", null],
      ["azure", "azure"],
      ["aws", "aws"],
    ]);
  });

  test("fills a signal's gaps by its kind", () => {
    expect(configuration.signals[1]).toEqual({
      id: "aws-uptime",
      kind: "external-uptime",
      site: "aws-us-east-1",
      vantages: ["internet", "control"],
      intervalMs: 1000,
      timeoutMs: 500,
      freshnessMs: 3500,
      points: { degraded: 0, unhealthy: 3 },
      expect: "http-ok",
      urls: {
        internet: "http://127.0.0.1:20121/live",
        control: "http://127.0.0.1:20101/live",
      },
    });
    expect(configuration.signals[3]).toMatchObject({ kind: "replication-lag", urls: {} });
  });

  test("lays the policy over the defaults, level by level", () => {
    expect(configuration.policy).toEqual({
      ...DEFAULT_POLICY,
      holdMs: { ...DEFAULT_POLICY.holdMs, dr: 2000 },
      modes: { ...DEFAULT_POLICY.modes, dr: "auto" },
    });
  });

  test("is frozen all the way down", () => {
    expect(Object.isFrozen(configuration)).toBe(true);
    expect(Object.isFrozen(configuration.sites[0]?.database)).toBe(true);
    expect(Object.isFrozen(configuration.policy.bands)).toBe(true);
  });
});

describe("defaults", () => {
  const optional = /^(network_fence|replication|notify|api|state): .*\n/gm;
  const configuration = accepted(
    EXAMPLE.replace(optional, "").replace(/^policy:\n(?: {2}.*\n)*/m, ""),
  );

  test("stand in for every optional section", () => {
    expect(configuration.policy).toEqual(DEFAULT_POLICY);
    expect(configuration.networkFence).toBeNull();
    expect(configuration.replication).toEqual({ durability: "async", tables: "*" });
    expect(configuration.notify).toEqual([]);
    expect(configuration.api).toEqual({
      listen: { host: "127.0.0.1", port: 20_120 },
      tokenFile: "/etc/cloudphoenix/secrets/api-token",
    });
    expect(configuration.state).toEqual({ kind: "embedded", directory: "/etc/cloudphoenix/state" });
  });
});

// Goal: each kind of mistake is placed exactly and comes with what to write instead.
// Method: plant one mistake in the example; `marker` is where the finger must point.
const mistakes: readonly {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly marker: string;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
}[] = [
  {
    name: "an unknown key near a known one",
    from: "interval: 1s",
    to: "intervall: 1s",
    marker: "intervall",
    path: "signals[0].intervall",
    message: "is not a known key",
    suggestion: "did you mean `interval`?",
  },
  {
    name: "an unknown key near none",
    from: "replication: {",
    to: "zebra: 1\nreplication: {",
    marker: "zebra",
    path: "zebra",
    message: "is not a known key",
    suggestion:
      "known keys: version, application, sites, network_fence, traffic, replication, lease, objects, vantages, signals, policy, notify, api, state",
  },
  {
    name: "a password where a file is expected",
    from: "password_file: secrets/db-aws",
    to: "password: hunter2",
    marker: "password: hunter2",
    path: "sites[0].database.password",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `password_file`",
  },
  {
    name: "a token where a file is expected",
    from: "token_file: secrets/network",
    to: "token: abc",
    marker: "token: abc",
    path: "network_fence.token",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `token_file`",
  },
  {
    name: "a secret under another name",
    from: "secret_file: secrets/tsig",
    to: "key: abc",
    marker: "key: abc",
    path: "traffic.tsig.key",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `secret_file`",
  },
  {
    name: "a webhook URL written inline",
    from: "url_file: secrets/webhook",
    to: "url: https://chat.example/secret",
    marker: "url: https://chat",
    path: "notify[0].url",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `url_file`",
  },
  {
    name: "a password inside a database URL",
    from: "postgresql://cloudphoenix@127.0.0.1:20102/app",
    to: "postgresql://cloudphoenix:hunter2@127.0.0.1:20102/app",
    marker: "postgresql://cloudphoenix:hunter2",
    path: "sites[0].database.url",
    message: "holds a password",
    suggestion: "remove the password from the URL and name a file that holds it beside it",
  },
  {
    name: "credentials inside an http URL",
    from: "http://127.0.0.1:20104",
    to: "http://me:hunter2@127.0.0.1:20104",
    marker: '"http://me',
    path: "sites[0].provider.url",
    message: "holds credentials",
    suggestion: "remove them from the URL; secrets live in files",
  },
  {
    name: "a duration without a unit",
    from: "ttl: 1s",
    to: "ttl: 1",
    marker: "1\n  port",
    path: "traffic.ttl",
    message: "must be a duration, not a number",
    suggestion: "write a number with a unit (ms, s, m, h, d), for instance `5s`",
  },
  {
    name: "a negative duration",
    from: "rpo: 5s",
    to: "rpo: -5s",
    marker: "-5s",
    path: "application.objectives.rpo",
    message: "`-5s` is not a duration",
    suggestion: "write a number with a unit (ms, s, m, h, d), for instance `5s`",
  },
  {
    name: "a duration out of bounds",
    from: "rto: 10s",
    to: "rto: 3d",
    marker: "3d",
    path: "application.objectives.rto",
    message: "`3d` is out of range",
    suggestion: "choose a duration from 1s to 1d",
  },
  {
    name: "a value outside the allowed ones",
    from: "durability: async",
    to: "durability: asink",
    marker: "asink",
    path: "replication.durability",
    message: "must be one of `async`, `barrier`, `sync`",
    suggestion: "did you mean `async`?",
  },
  {
    name: "an illegal name",
    from: "name: orders",
    to: "name: Orders_1",
    marker: "Orders_1",
    path: "application.workloads[0].name",
    message: "`Orders_1` is not a legal name",
    suggestion:
      "use lower case letters, digits and dashes, at most 63, for instance `aws-us-east-1`",
  },
  {
    name: "an address that is none",
    from: "address: 127.0.1.1",
    to: "address: 127.0.1.300",
    marker: "127.0.1.300",
    path: "sites[0].entry.address",
    message: "`127.0.1.300` is not an IP address",
    suggestion: "write an IPv4 or IPv6 address, for instance `192.0.2.10`",
  },
  {
    name: "a URL that is none",
    from: '"http://127.0.0.1:20101/health"',
    to: "127.0.0.1/health",
    marker: "127.0.0.1/health",
    path: "signals[0].url",
    message: "is not an http or https URL",
    suggestion: "write an http or https URL, for instance `http://127.0.0.1:8080`",
  },
  {
    name: "a server without a port",
    from: "server: 127.0.0.1:20053",
    to: "server: 127.0.0.1",
    marker: "127.0.0.1\n  zone",
    path: "traffic.server",
    message: "`127.0.0.1` is not host:port",
    suggestion: "write host and port, for instance `127.0.0.1:20120`",
  },
  {
    name: "a number out of bounds",
    from: "replicas: 2",
    to: "replicas: 0",
    marker: "0 }]",
    path: "application.workloads[0].replicas",
    message: "must be at least 1",
    suggestion: null,
  },
  {
    name: "a text where a number is expected",
    from: "replicas: 2",
    to: "replicas: two",
    marker: "two",
    path: "application.workloads[0].replicas",
    message: "must be a whole number, not a text",
    suggestion: null,
  },
  {
    name: "a missing key",
    from: "  zone: phoenix.test\n",
    to: "",
    marker: "kind: rfc2136",
    path: "traffic.zone",
    message: "is missing",
    suggestion: "write a DNS name, for instance `shop.example.com`",
  },
  {
    name: "an unknown version of the format",
    from: "version: 1",
    to: "version: 2",
    marker: "2\n",
    path: "version",
    message: "must be one of `1`",
    suggestion: null,
  },
  {
    name: "a table list that is none",
    from: 'tables: "*"',
    to: "tables: orders",
    marker: "orders }\nvantages",
    path: "replication.tables",
    message: "is not `*` | list of tables",
    suggestion: 'write `"*"` or a list of `schema.table` names',
  },
  {
    name: "a vantage nobody knows",
    from: "vantages: [control]",
    to: "vantages: [contrl]",
    marker: "contrl",
    path: "signals[0].vantages[0]",
    message: "there is no vantage `contrl`",
    suggestion: "did you mean `control`?",
  },
  {
    name: "a site nobody knows, in a signal",
    from: "site: aws-us-east-1\n    vantages: [control]",
    to: "site: gcp\n    vantages: [control]",
    marker: "gcp",
    path: "signals[0].site",
    message: "there is no site `gcp`",
    suggestion: "known sites: aws-us-east-1, azure-westeurope",
  },
  {
    name: "a site nobody knows, in a vantage",
    from: "site: azure-westeurope\n    failure_domain",
    to: "site: azure-westeurop\n    failure_domain",
    marker: "azure-westeurop\n",
    path: "vantages[2].site",
    message: "there is no site `azure-westeurop`",
    suggestion: "did you mean `azure-westeurope`?",
  },
  {
    name: "an id used twice",
    from: "id: aws-uptime",
    to: "id: aws-health",
    marker: "aws-health\n    kind: external",
    path: "signals[1].id",
    message: "`aws-health` is taken by entry 1",
    suggestion: "give every signal its own id",
  },
  {
    name: "an address used twice",
    from: "address: 127.0.2.1",
    to: "address: 127.0.1.1",
    marker: '127.0.1.1, url: "http://127.0.0.1:20201"',
    path: "sites[1].entry.address",
    message: "`127.0.1.1` is the address of another site",
    suggestion: "give every site an address of its own: DNS tells sites apart by it",
  },
  {
    name: "bands that do not ascend",
    from: "hold: { dr: 2s }",
    to: "bands: { region: 12 }",
    marker: "{ region: 12 }",
    path: "policy.bands",
    message: "must ascend, but heal is 4, region 12, dr 11",
    suggestion: "a graver level needs a higher score",
  },
  {
    name: "a name outside its zone",
    from: "name: shop.phoenix.test",
    to: "name: shop.example.test",
    marker: "shop.example.test",
    path: "traffic.name",
    message: "is not inside the zone `phoenix.test`",
    suggestion: "write for instance `www.phoenix.test`",
  },
  {
    name: "a timeout longer than the interval",
    from: "timeout: 500ms",
    to: "timeout: 2s",
    marker: "2s\n    freshness",
    path: "signals[0].timeout",
    message: "the timeout is longer than the interval",
    suggestion: "let one question end before the next",
  },
  {
    name: "a freshness that lets every answer go stale",
    from: "freshness: 3s",
    to: "freshness: 1s",
    marker: "1s\n    expect",
    path: "signals[0].freshness",
    message: "answers would go stale before the next one comes",
    suggestion: "choose at least interval + timeout; the default is 3 × interval + timeout",
  },
  {
    name: "a signal without a URL",
    from: '    url: "http://127.0.0.1:20131/live"\n',
    to: "",
    marker: "id: aws-from-azure",
    path: "signals[2]",
    message: "asks no URL",
    suggestion: "add `url`, or `urls` with one URL per vantage",
  },
  {
    name: "a vantage without its URL",
    from: "vantages: [internet, control]",
    to: "vantages: [internet, control, aws]",
    marker: "{ internet: ",
    path: "signals[1].urls",
    message: "has no URL for vantage `aws`",
    suggestion: "add `aws: http://…`",
  },
  {
    name: "replication lag asked of an agent",
    from: "kind: replication-lag\n    site: aws-us-east-1\n    vantages: [control]",
    to: "kind: replication-lag\n    site: aws-us-east-1\n    vantages: [aws]",
    marker: "[aws]\n",
    path: "signals[3].vantages",
    message: "`aws` is an agent, and replication lag is read by the controller",
    suggestion: "name the vantage that has no agent",
  },
  {
    name: "a freeze that ends before it starts",
    from: "hold: { dr: 2s }",
    to: "freezes: [{ from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z, reason: x }]",
    marker: "2026-01-01T",
    path: "policy.freezes[0].until",
    message: "is not after `from`",
    suggestion: "let the window end after it starts",
  },
  {
    name: "both kinds of state",
    from: "state: { directory: ./state }",
    to: "state: { directory: ./state, url: postgresql://me@db/state }",
    marker: "{ directory: ./state, url",
    path: "state",
    message: "names both `directory` and `url`",
    suggestion: "keep `directory` for the embedded PostgreSQL or `url` for your own",
  },
];

describe("a mistake", () => {
  test.each(mistakes)("is placed and explained: $name", (mistake) => {
    const text = exampleWith(mistake.from, mistake.to);

    const problems = refused(text);

    expect(problems).toEqual([
      {
        severity: "error",
        file: "shop.yaml",
        ...placeOf(text, mistake.marker),
        path: mistake.path,
        message: mistake.message,
        suggestion: mistake.suggestion,
      },
    ]);
  });

  test("never repeats a secret it refuses", () => {
    const secrets = mistakes.filter(({ to }) => /hunter2|chat\.example|abc/.test(to));
    expect(secrets.length).toBeGreaterThan(3);
    for (const { from, to } of secrets) {
      expect(JSON.stringify(refused(exampleWith(from, to)))).not.toMatch(/hunter2|chat\.ex|abc/);
    }
  });

  test("does not hide the others: all are shown at once, in the order of the file", () => {
    const text = exampleWith("rto: 10s", "rto: soon")
      .replace("cloud: azure", "clowd: azure")
      .replace("vantages: [internet]", "vantages: [intranet]")
      .replace("hold: { dr: 2s }", "bands: { dr: 5 }");

    expect(refused(text).map(({ path }) => path)).toEqual([
      "application.objectives.rto",
      "sites[1].clowd",
      "signals[5].vantages[0]",
      "policy.bands",
    ]);
  });
});

describe("a single site", () => {
  test("is refused: there is nowhere to go", () => {
    const end = EXAMPLE.indexOf("  - id: azure-westeurope");
    const text = EXAMPLE.slice(0, end) + EXAMPLE.slice(EXAMPLE.indexOf("network_fence"));
    expect(refused(text)).toContainEqual(
      expect.objectContaining({ path: "sites", message: "must have at least 2 entries", line: 7 }),
    );
  });
});

describe("text that is not a configuration", () => {
  test.each([
    ["an empty file", "", 1, /is empty/],
    ["a list", "- a\n", 1, /must be a map, not a list/],
    ["a word", "hello\n", 1, /is not a configuration/],
    ["a key twice", "version: 1\nversion: 1\n", 2, /the same key stands here twice/],
    ["broken YAML", "version: 1\nsites: [\n", 3, /not valid YAML/],
    ["an alias bomb", alias(), 1, /uses too many aliases/],
  ])("is refused: %s", (_, text, line, message) => {
    const [first] = refused(text);
    expect(first?.message).toMatch(message);
    expect(first?.line).toBe(line);
  });

  test("is refused unread if it is huge", () => {
    expect(refused(`# ${"x".repeat(1_000_001)}`)[0]?.message).toMatch(/larger than/);
  });
});

function alias(): string {
  const levels = Array.from({ length: 8 }, (_, index) =>
    index === 0 ? "a0: &a0 [x,x]" : `a${index}: &a${index} [${`*a${index - 1},`.repeat(9)}]`,
  );
  return `${levels.join("\n")}\n`;
}

describe("environment variables", () => {
  test("fill in ${NAME}, and $${NAME} stays as it is written", () => {
    const text = exampleWith("region: us-east-1", "region: ${REGION}").replace(
      "hold: { dr: 2s }",
      "freezes: [{ from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, reason: 'cost $$$${X}' }]",
    );
    const configuration = accepted(text, { REGION: "eu-west-1" });
    expect(configuration.application.sites[0]?.region).toBe("eu-west-1");
    expect(configuration.policy.freezes[0]?.reason).toBe("cost ${X}");
  });

  test("that are not set are named where they stand", () => {
    const text = exampleWith("region: us-east-1", "region: ${REGION}");
    expect(refused(text)).toEqual([
      expect.objectContaining({
        ...placeOf(text, "${REGION}"),
        message: "environment variable REGION is not set",
        suggestion: "set REGION, or write the value here",
      }),
    ]);
  });

  test("CLOUDPHOENIX_STATE_URL is refused if it is no address, without repeating it", () => {
    const environment = { CLOUDPHOENIX_STATE_URL: "http://me:hunter2@db" };
    const validation = validateConfiguration(EXAMPLE, "shop.yaml", environment);
    expect(validation).toMatchObject({
      problems: [
        { message: "environment variable CLOUDPHOENIX_STATE_URL is not a postgresql:// URL" },
      ],
    });
    expect(JSON.stringify(validation)).not.toContain("hunter2");
  });

  test("CLOUDPHOENIX_STATE_URL wins over the file", () => {
    const url = "postgresql://me@db/state";
    expect(accepted(EXAMPLE, { CLOUDPHOENIX_STATE_URL: url }).state).toEqual({
      kind: "external",
      url,
      passwordFile: null,
    });
  });
});

function warningsOf(text: string): readonly string[] {
  return accepted(text).warnings.map(({ message }) => message);
}

describe("warnings", () => {
  test("tell when the evidence a level needs does not exist", () => {
    const text = exampleWith("hold: { dr: 2s }", "evidence_min: { dr: 4 }");
    expect(warningsOf(text)).toContain(
      "level dr can never act on its own for aws-us-east-1: it needs 4 failure domains that agree and 3 exist",
    );
  });

  test("tell when nobody looks from the other cloud", () => {
    const text = exampleWith("site: azure-westeurope\n    failure_domain", "failure_domain");
    expect(warningsOf(text)).toContain(
      "level dr can never act on its own for aws-us-east-1: nobody looks at it from the other cloud",
    );
  });

  test("tell when the points cannot reach a band", () => {
    const text = exampleWith("hold: { dr: 2s }", "bands: { dr: 50 }");
    expect(warningsOf(text)).toContain(
      "the signals of aws-us-east-1 add up to 15 points at most, level dr starts at 50",
    );
  });

  test("tell when a vantage cannot notice that it is blind", () => {
    const text = exampleWith(', canaries: ["http://127.0.0.1:20110/live"] }', " }");
    const [warning] = accepted(text).warnings;
    expect(warning).toMatchObject({ severity: "warning", ...placeOf(text, "id: control") });
    expect(warning?.message).toMatch(/vantage control has no canaries/);
  });
});
