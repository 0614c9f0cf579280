import { describe, expect, test } from "vitest";
import { EXAMPLE } from "./example.ts";
import { accepted, refused } from "./validated.ts";

const KEEPER = (cloud: string): string => `
    keeper:
      database_url: postgresql://agent@127.0.0.1:20302/app
      database_password_file: secrets/agent-${cloud}
      witness_url: postgresql://lease_${cloud}@127.0.0.1:20303/cloudphoenix
      witness_password_file: secrets/witness-${cloud}
      peer_url: "http://127.0.0.1:20304/"
      peer_token_file: secrets/agent`;

/** The example with a lease that is kept at both sites. */
const LEASED = ["aws", "azure"]
  .reduce((text, cloud) => {
    const provider = `token_file: secrets/provider-${cloud} }`;
    return text.replace(provider, `${provider}${KEEPER(cloud)}`);
  }, EXAMPLE)
  .replace("state: { directory: ./state }", "state: { url: postgresql://me@db:5432/state }")
  .concat("lease: { ttl: 3s, renew: 750ms, margin: 300ms }\n");

function changed(from: string, to: string): string {
  if (!LEASED.includes(from)) throw new Error(`the example has no ${from}`);
  return LEASED.replace(from, () => to);
}

describe("a lease", () => {
  test("is none where the file has none, and then the network is fence enough", () => {
    const configuration = accepted(EXAMPLE);
    expect(configuration.lease).toBeNull();
    expect(configuration.sites.map(({ keeper }) => keeper)).toEqual([null, null]);
    expect(configuration.policy.fenceMin).toBe("network");
  });

  test("is read with the ways of every keeper, and consistency unless asked otherwise", () => {
    const { lease, sites, warnings } = accepted(LEASED);
    expect(warnings).toEqual([]);
    expect(lease).toEqual({
      ttlMs: 3_000,
      renewMs: 750,
      marginMs: 300,
      whenWitnessLost: "consistency",
    });
    expect(sites[0]?.keeper).toEqual({
      databaseUrl: "postgresql://agent@127.0.0.1:20302/app",
      databasePasswordFile: "/etc/cloudphoenix/secrets/agent-aws",
      witnessUrl: "postgresql://lease_aws@127.0.0.1:20303/cloudphoenix",
      witnessPasswordFile: "/etc/cloudphoenix/secrets/witness-aws",
      peerUrl: "http://127.0.0.1:20304",
      peerTokenFile: "/etc/cloudphoenix/secrets/agent",
    });
  });

  test("makes an expired lease the weakest fence, unless the file chooses another", () => {
    expect(accepted(LEASED).policy.fenceMin).toBe("lease-expired");
    const chosen = changed("policy:\n", "policy:\n  fence_min: network\n");
    expect(accepted(chosen).policy.fenceMin).toBe("network");
  });

  test("has defaults that fit together", () => {
    const text = changed("lease: { ttl: 3s, renew: 750ms, margin: 300ms }", "lease: {}");
    expect(accepted(text).lease).toMatchObject({ ttlMs: 10_000, renewMs: 2_000, marginMs: 1_000 });
  });

  test("surprises where agents cannot reach its witness", () => {
    const text = changed("state: { url: postgresql://me@db:5432/state }", "state: {}");
    expect(accepted(text).warnings.map(({ path }) => path)).toEqual(["lease"]);
  });
});

describe("refuses a lease", () => {
  test("that one lost renewal would end", () => {
    expect(refused(changed("renew: 750ms", "renew: 1001ms"))[0]).toMatchObject({
      path: "lease.renew",
      message: "is too long for the lease: one lost renewal would end it",
    });
  });

  test("whose defaults do not fit what is written", () => {
    expect(refused(changed("renew: 750ms, ", "")).map(({ path }) => path)).toEqual(["lease"]);
  });

  test("with a margin longer than itself", () => {
    expect(refused(changed("margin: 300ms", "margin: 4s"))[0]?.path).toBe("lease.margin");
  });

  test("that nobody keeps at a site", () => {
    expect(refused(changed(KEEPER("azure"), ""))[0]).toMatchObject({
      path: "sites[1]",
      message: "has no `keeper`, so nobody would renew its lease",
    });
  });

  test("without an agent at a site, or with two", () => {
    const text = changed("    site: azure-westeurope\n    failure_domain", "    failure_domain");
    expect(refused(text).map(({ path }) => path)).toContain("sites[1].id");
    const two = changed("  - id: internet\n", "  - id: internet\n    site: aws-us-east-1\n");
    expect(refused(two).map(({ path }) => path)).toContain("sites[0].id");
  });

  test("with a password in a URL, and does not repeat it", () => {
    const problems = refused(changed("lease_aws@", "lease_aws:hunter2@"));
    expect(problems[0]?.path).toBe("sites[0].keeper.witness_url");
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});

describe("without a lease", () => {
  test("a keeper has nothing to keep", () => {
    const text = changed("lease: { ttl: 3s, renew: 750ms, margin: 300ms }\n", "");
    expect(refused(text).map(({ path }) => path)).toEqual(["sites[0].keeper", "sites[1].keeper"]);
  });

  test("nobody can ask for a lease that has expired", () => {
    const text = EXAMPLE.replace("policy:\n", "policy:\n  fence_min: lease-expired\n");
    expect(refused(text)[0]).toMatchObject({
      path: "policy.fence_min",
      message: "asks for an expired lease, but no lease is configured",
    });
  });
});
