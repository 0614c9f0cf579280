import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Cluster } from "../src/cluster.ts";
import { type Json, nameOf, namespaceOf, number } from "../src/document.ts";
import { kubectlVersion, kubernetesRoot, listOverlays, render } from "../src/kustomize.ts";
import { isFound, mistakes } from "../src/planted-mistakes.ts";
import { missedTypeMistakes } from "../src/planted-type-mistakes.ts";
import { STOP_MS } from "../src/policies/availability-policies.ts";
import { checkPolicies, policies } from "../src/policies/check-policies.ts";
import { quantity } from "../src/quantity.ts";
import { typeFindings } from "../src/type-check.ts";

const version = await kubectlVersion();
if (version === null && process.env["CI"] === "true") throw new Error("kubectl not found");

/** The value of a numeric constant in one of the repository's sources. */
function constantIn(file: string, name: string): number {
  const source = readFileSync(join(kubernetesRoot, "../..", file), "utf8");
  const [, value = ""] = new RegExp(`const ${name} = ([\\d_]+);`).exec(source) ?? [];
  return Number(value.replaceAll("_", ""));
}

describe("policies", () => {
  it("each have a planted mistake", () => {
    const planted = new Set(mistakes.map(({ policy }) => policy));
    expect(policies.map(({ name }) => name).filter((name) => !planted.has(name))).toEqual([]);
  });

  it("refuse to have looked at nothing", () => {
    expect(() => checkPolicies(new Cluster([]))).toThrow("nothing to check");
  });

  it("know how long the processes take to stop", () => {
    const stopMs = constantIn("packages/process/src/stop-on-signals.ts", "STOP_LIMIT_MS");
    expect(STOP_MS).toEqual({ controller: stopMs, agent: stopMs, worker: stopMs });
  });

  it("read quantities", () => {
    expect(["250m", "2", "64Mi"].map(quantity)).toEqual([0.25, 2, 67_108_864]);
    expect(quantity("2 GB")).toBeNaN();
  });
});

describe.runIf(version !== null).each(listOverlays())("overlay %s", (overlay) => {
  const rendered: Promise<readonly Json[]> = render(join(kubernetesRoot, "overlays", overlay));

  it("has no findings", async () => {
    expect(checkPolicies(new Cluster(await rendered))).toEqual([]);
  });

  it("has documents of the right types only", async () => {
    expect((await typeFindings(await rendered)).flat()).toEqual([]);
  });

  it("sends traces to the port that Alloy listens on, and lets it read where it looks for pods", async () => {
    const alloy = readFileSync(join(kubernetesRoot, "../observability/alloy/config.alloy"), "utf8");
    const cluster = new Cluster(await rendered);
    const endpoints = JSON.stringify(cluster.workloads).matchAll(/http:\/\/alloy\.\w+:(\d+)/g);
    const [, namespaces = ""] = /names = \[(.*)\]/.exec(alloy) ?? [];

    expect(new Set(Array.from(endpoints, ([, port]) => port))).toEqual(
      new Set([/endpoint = "0\.0\.0\.0:(\d+)"/.exec(alloy)?.[1]]),
    );
    expect(cluster.all("RoleBinding").map((binding) => `"${namespaceOf(binding)}"`)).toEqual(
      namespaces.split(", "),
    );
  });

  it("would be refused by the types for every planted mistake", async () => {
    expect(await missedTypeMistakes(await rendered)).toEqual([]);
  });

  it.each(mistakes)("would be refused by $policy: $what", async (mistake) => {
    expect(isFound(mistake, await rendered)).toBe(true);
  });
});

describe.runIf(version !== null)("the standby", () => {
  it("has the floors of a standby, and room for all that the active site has", async () => {
    const [active, standby] = await Promise.all(
      ["aws", "azure"].map(async (overlay) =>
        sizesOf(await render(join(kubernetesRoot, "overlays", overlay))),
      ),
    );
    expect(active).toMatchObject({ orders: [3, 2, 20], storefront: [3, 2, 10] });
    expect(standby).toEqual({ ...active, orders: [2, 1, 20], storefront: [2, 1, 10] });
  });
});

/** By workload with an autoscaler: how many run at least, how many are kept, how many run at most. */
function sizesOf(rendered: readonly Json[]): Readonly<Record<string, readonly number[]>> {
  const cluster = new Cluster(rendered);
  return Object.fromEntries(
    cluster.all("HorizontalPodAutoscaler").map((scaler) => {
      const budget = cluster.find("PodDisruptionBudget", namespaceOf(scaler), nameOf(scaler));
      return [
        nameOf(scaler),
        [
          number(scaler, "spec", "minReplicas"),
          number(budget, "spec", "minAvailable"),
          number(scaler, "spec", "maxReplicas"),
        ],
      ];
    }),
  );
}
