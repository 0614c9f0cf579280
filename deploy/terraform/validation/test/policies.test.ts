import { describe, expect, it } from "vitest";
import { checkPolicies } from "../src/policies/check-policies.ts";

const tags = {
  application: "shop",
  environment: "production",
  owner: "payments@example.com",
  "cost-center": "CC-1",
  "data-classification": "internal",
  "managed-by": "terraform",
};

/** A plan that makes one resource. */
function planOf(type: string, after: object, unknown: object = {}): unknown {
  return {
    resource_changes: [
      {
        address: `${type}.this`,
        mode: "managed",
        type,
        change: { after: { tags, ...after }, after_unknown: unknown },
      },
    ],
  };
}

function keyPolicy(principal: string): string {
  return JSON.stringify({
    Statement: [{ Effect: "Allow", Action: "kms:*", Principal: { AWS: principal } }],
  });
}

describe("policies", () => {
  it("let HTTPS in from the world only where the rule says that it is public", () => {
    const https = { cidr_ipv4: "0.0.0.0/0", from_port: 443, to_port: 443 };
    const declared = { ...https, tags: { ...tags, exposure: "public-https" } };
    const type = "aws_vpc_security_group_ingress_rule";
    expect(checkPolicies(planOf(type, https))).toHaveLength(1);
    expect(checkPolicies(planOf(type, declared))).toEqual([]);
  });

  it("see the world in IPv6 and among several Azure prefixes", () => {
    const six = { cidr_ipv6: "::/0", from_port: 22, to_port: 22 };
    expect(checkPolicies(planOf("aws_vpc_security_group_ingress_rule", six))).toHaveLength(1);
    const azure = {
      direction: "Inbound",
      access: "Allow",
      protocol: "Tcp",
      source_address_prefixes: ["10.0.0.0/8", "0.0.0.0/0"],
      destination_port_range: "5432",
    };
    expect(checkPolicies(planOf("azurerm_network_security_rule", azure))).toHaveLength(1);
  });

  it("take a key that only an apply will tell for a key", () => {
    const queue = { name: "events" };
    expect(checkPolicies(planOf("aws_sqs_queue", queue))).toHaveLength(1);
    expect(checkPolicies(planOf("aws_sqs_queue", queue, { kms_master_key_id: true }))).toEqual([]);
  });

  it("let development be deleted", () => {
    const cluster = { deletion_protection: false, encryption_config: [{ resources: ["secrets"] }] };
    const development = { ...cluster, tags: { ...tags, environment: "development" } };
    expect(checkPolicies(planOf("aws_eks_cluster", cluster))).toHaveLength(1);
    expect(checkPolicies(planOf("aws_eks_cluster", development))).toEqual([]);
  });

  it("let an account administer its own key and nobody else", () => {
    const own = keyPolicy("arn:aws:iam::123456789012:root");
    expect(checkPolicies(planOf("aws_kms_key", { policy: own }))).toEqual([]);
    expect(checkPolicies(planOf("aws_kms_key", { policy: keyPolicy("*") }))).toHaveLength(1);
  });

  it("read a state as they read a plan", () => {
    const state = {
      root_module: {
        child_modules: [
          {
            address: "module.network",
            resources: [
              {
                address: "module.network.aws_vpc.this",
                mode: "managed",
                type: "aws_vpc",
                values: {},
              },
              { address: "data.x.y", mode: "data", type: "aws_vpc", values: {} },
            ],
          },
        ],
      },
    };
    expect(checkPolicies(state)).toEqual([
      "missing-tags: module.network.aws_vpc.this lacks the tags application, environment, owner, cost-center, data-classification, managed-by",
    ]);
  });

  it("refuse to have looked at nothing", () => {
    expect(() => checkPolicies({ resource_changes: [] })).toThrow("has no resources");
    expect(() => checkPolicies({ values: {} })).toThrow("has no resources");
  });
});
