import { describe, expect, test } from "vitest";
import {
  configurationFromTerraform,
  readTerraformStack,
  type TerraformChoices,
  validateConfiguration,
} from "../src/index.ts";

const CHOICES: TerraformChoices = {
  rto: "2m",
  rpo: "5s",
  workloads: [{ name: "orders", replicas: 3 }],
  secrets: "/run/secrets/cloudphoenix",
  stateUrl: "postgresql://cloudphoenix@state.example.com:5432/cloudphoenix?sslmode=verify-full",
  outsideAgent: "https://outside.example.net",
  canaries: ["https://www.example.com/"],
};

const TRAFFIC = {
  kind: "rfc2136",
  server: "ns1.example.com:53",
  zone: "example.com",
  name: "shop.example.com",
  ttl: "5s",
  port: 443,
  tsig: { name: "cloudphoenix", algorithm: "hmac-sha256", secret_file: "secrets/tsig" },
};

/** The value of the output `cloudphoenix` of a stack, as `terraform output -json` has it. */
function output(cloud: "aws" | "azure", changed: Readonly<Record<string, unknown>> = {}): object {
  const id = `${cloud}-1`;
  const database = `database.${cloud}.example.com:5432/app?sslmode=verify-full`;
  return {
    version: 1,
    application: { name: "shop" },
    site: {
      id,
      cloud,
      region: "1",
      entry: {
        address: cloud === "aws" ? "203.0.113.10" : "198.51.100.10",
        url: `https://${cloud}.shop.example.com`,
      },
      database: {
        url: `postgresql://cloudphoenix@${database}`,
        password_file: `secrets/${id}.database-controller`,
        peer_url: `postgresql://replicator@${database}`,
        peer_password_file: `secrets/${id}.database-replicator`,
        application_role: "app",
      },
      provider: {
        kind: "local",
        url: `https://provider.${cloud}.example.com`,
        token_file: `secrets/${id}.provider-token`,
      },
      objects: {
        url: cloud === "aws" ? "s3://documents?region=eu-central-1" : "azblob://shop/documents",
        hints_url: null,
      },
    },
    agent: { url: `http://agent.${cloud}:8081`, token_file: `secrets/${id}.agent-token` },
    keeper: {
      database_url: `postgresql://agent@${database}`,
      database_password_file: `secrets/${id}.keeper-database`,
      peer_url: `http://agent.${cloud}:8081`,
      peer_token_file: `secrets/${id}.agent-token`,
    },
    traffic: cloud === "aws" ? TRAFFIC : null,
    posture: cloud === "aws" ? "active" : "warm-standby",
    secrets: { store: "any", files: {} },
    ...changed,
  };
}

function stackOf(cloud: "aws" | "azure", changed?: Readonly<Record<string, unknown>>) {
  const outputs = {
    cidr: { value: "10.0.0.0/8" },
    cloudphoenix: { value: output(cloud, changed) },
  };
  return readTerraformStack(JSON.stringify(outputs), `${cloud}.json`);
}

function made(
  stacks: Parameters<typeof configurationFromTerraform>[0],
  choices: Partial<TerraformChoices> = {},
) {
  const text = configurationFromTerraform(stacks, { ...CHOICES, ...choices });
  const validation = validateConfiguration(text, "/etc/cloudphoenix/cloudphoenix.yaml");
  if ("problems" in validation) throw new Error(JSON.stringify(validation.problems, null, 1));
  return validation.configuration;
}

describe("a configuration from Terraform", () => {
  test("is valid, without a warning, and begins with the active site", () => {
    const configuration = made([stackOf("azure"), stackOf("aws")]);
    expect(configuration.sites.map(({ id }) => id)).toEqual(["aws-1", "azure-1"]);
    expect(configuration.warnings).toEqual([]);
    expect(configuration.objects).not.toBeNull();
    expect(configuration.lease).not.toBeNull();
    expect(configuration.traffic.name).toBe("shop.example.com");
  });

  test("looks for every secret in the folder that was named", () => {
    const text = configurationFromTerraform([stackOf("aws"), stackOf("azure")], CHOICES);
    expect(text).not.toContain(" secrets/");
    expect(text).toContain("token_file: /run/secrets/cloudphoenix/aws-1.agent-token");
    expect(text).toContain("secret_file: /run/secrets/cloudphoenix/tsig");
  });

  test("gives each agent its own login at the witness", () => {
    const { sites } = made([stackOf("aws"), stackOf("azure")]);
    expect(sites.map(({ keeper }) => keeper?.witnessUrl)).toEqual([
      "postgresql://agent_aws@state.example.com:5432/cloudphoenix?sslmode=verify-full",
      "postgresql://agent_azure@state.example.com:5432/cloudphoenix?sslmode=verify-full",
    ]);
  });

  test("lets every site be looked at from the other cloud and from outside both", () => {
    const { signals } = made([stackOf("aws"), stackOf("azure")]);
    const asking = signals.filter(({ site }) => site === "aws-1").flatMap((s) => s.vantages);
    expect([...new Set(asking)].toSorted()).toEqual(["azure", "control", "outside"]);
  });

  test("has no lease without a witness, and warns that two clouds see too little", () => {
    const configuration = made([stackOf("aws"), stackOf("azure")], {
      stateUrl: null,
      outsideAgent: null,
    });
    expect(configuration.lease).toBeNull();
    expect(configuration.sites.every(({ keeper }) => keeper === null)).toBe(true);
    expect(configuration.warnings.map(({ message }) => message).join()).toContain("level dr");
  });

  test("names a site by itself where two share a cloud", () => {
    const second = output("aws", { posture: "warm-standby", traffic: null }) as {
      site: { id: string; entry: { address: string }; objects: { url: string } };
    };
    second.site.id = "aws-2";
    second.site.entry.address = "203.0.113.20";
    second.site.objects.url = "s3://documents-2?region=eu-west-1";
    const text = JSON.stringify({ cloudphoenix: { value: second } });
    const { signals } = made([stackOf("aws"), readTerraformStack(text, "aws-2.json")]);
    expect(signals.map(({ kind }) => kind)).toContain("cross-region");
    expect(signals.map(({ id }) => id)).toContain("aws-2-from-aws-1");
  });

  test.each([
    ["two active sites", [stackOf("aws"), stackOf("azure", { posture: "active" })], "exactly one"],
    ["no active site", [stackOf("azure")], "exactly one"],
    ["one site twice", [stackOf("aws"), stackOf("aws")], "aws-1 once more"],
    [
      "two applications",
      [stackOf("aws"), stackOf("azure", { application: { name: "bank" } })],
      "differ in their application",
    ],
    [
      "no switch",
      [stackOf("aws", { traffic: null }), stackOf("azure")],
      "no stack says who switches the users",
    ],
    [
      "two switches",
      [stackOf("aws"), stackOf("azure", { traffic: { ...TRAFFIC, ttl: "60s" } })],
      "differ in their switch",
    ],
  ])("is refused for %s", (_what, stacks, why) => {
    expect(() => configurationFromTerraform(stacks, CHOICES)).toThrow(why);
  });
});

describe("the outputs of a stack", () => {
  test.each([
    ["not JSON", "Outputs:", "is not JSON"],
    ["without the output", '{"cidr":{"value":"10.0.0.0/8"}}', "has no output `cloudphoenix`"],
    [
      "of another version",
      JSON.stringify({ cloudphoenix: { value: output("aws", { version: 2 }) } }),
      "look at version",
    ],
    [
      "without an agent",
      JSON.stringify({ cloudphoenix: { value: output("aws", { agent: undefined }) } }),
      "look at agent",
    ],
    ["of a state file's size", `{"a":"${"x".repeat(1_000_001)}"}`, "is larger than"],
  ])("are refused if they are %s", (_what, text, why) => {
    expect(() => readTerraformStack(text, "aws.json")).toThrow(why);
  });

  test("are not repeated in a refusal", () => {
    const text = JSON.stringify({ cloudphoenix: { value: { version: "hunter2" } } });
    expect(() => readTerraformStack(text, "aws.json")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});
