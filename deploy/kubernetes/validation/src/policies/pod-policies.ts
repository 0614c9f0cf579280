/** What every pod must be: the restricted profile of Kubernetes, and a little more. */
import type { Cluster } from "../cluster.ts";
import { at, type Json, list, number, record, text, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

/** Volume types of the restricted profile that are not of a storage driver. */
const VOLUMES = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"];

const perPod = (name: string, wrong: (pod: Json) => string | null): Policy => ({
  name,
  check: ({ workloads }) =>
    workloads.flatMap(({ title, pod }) => {
      const sentence = wrong(pod);
      return sentence === null ? [] : [`${title} ${sentence}`];
    }),
});

const perContainer = (name: string, wrong: (container: Json) => string | null): Policy => ({
  name,
  check: ({ workloads }) =>
    workloads.flatMap(({ title, everyContainer }) =>
      everyContainer.flatMap((container) => {
        const sentence = wrong(container);
        return sentence === null
          ? []
          : [`${title}, container ${text(container, "name")}, ${sentence}`];
      }),
    ),
});

const security = (value: Json, ...path: readonly string[]): Json | undefined =>
  at(value, "securityContext", ...path);

export const podPolicies: readonly Policy[] = [
  {
    name: "restricted-namespaces",
    check: (cluster: Cluster) =>
      cluster.all("Namespace").flatMap((namespace) => {
        const label = (mode: string): string =>
          text(namespace, "metadata", "labels", `pod-security.kubernetes.io/${mode}`);
        const pinned = /^v1\.\d+$/.test(label("enforce-version"));
        return label("enforce") === "restricted" && pinned
          ? []
          : [`${titleOf(namespace)} does not enforce the restricted profile at a pinned version`];
      }),
  },
  perPod("non-root", (pod) =>
    security(pod, "runAsNonRoot") === true && number(pod, "securityContext", "runAsUser") >= 10_000
      ? null
      : "may run as root or as a user of the node",
  ),
  perPod("seccomp", (pod) =>
    security(pod, "seccompProfile", "type") === "RuntimeDefault" ? null : "has no seccomp profile",
  ),
  perPod("no-host-access", (pod) => {
    const shared = ["hostNetwork", "hostPID", "hostIPC"].filter((key) => at(pod, key) === true);
    const volumes = list(at(pod, "volumes")).flatMap((volume) =>
      Object.keys(record(volume)).filter((key) => key !== "name" && !VOLUMES.includes(key)),
    );
    const found = [...shared, ...volumes];
    return found.length === 0 ? null : `uses ${found.join(", ")}`;
  }),
  perPod("no-api-token", (pod) =>
    at(pod, "automountServiceAccountToken") === false
      ? null
      : "gets a token for the Kubernetes API, which nothing here uses",
  ),
  perContainer("no-privileges", (container) =>
    security(container, "allowPrivilegeEscalation") === false &&
    security(container, "privileged") !== true
      ? null
      : "may gain privileges",
  ),
  perContainer("no-capabilities", (container) =>
    list(security(container, "capabilities", "drop")).includes("ALL") &&
    list(security(container, "capabilities", "add")).length === 0
      ? null
      : "keeps capabilities",
  ),
  perContainer("read-only-root", (container) =>
    security(container, "readOnlyRootFilesystem") === true ? null : "may write to its image",
  ),
  perContainer("pinned-images", (container) =>
    /^[a-z0-9.-]+\/[a-z0-9/._-]+@sha256:[0-9a-f]{64}$/.test(text(container, "image"))
      ? null
      : `runs ${text(container, "image")}, which is not pinned by digest`,
  ),
  perContainer("limits", (container) => {
    const missing = ["requests", "limits"].flatMap((part) =>
      ["cpu", "memory"]
        .filter((unit) => text(container, "resources", part, unit) === "")
        .map((unit) => `${part}.${unit}`),
    );
    return missing.length === 0 ? null : `has no ${missing.join(", ")}`;
  }),
];
