/** One mistake for every policy at least, planted into a copy of a rendered overlay. */
import { Cluster } from "./cluster.ts";
import { at, type Json, kindOf, list, nameOf, text } from "./document.ts";
import { checkPolicies } from "./policies/check-policies.ts";

export type Edit = (documents: Json[]) => void;

export interface Mistake {
  /** The policy that must find it. */
  readonly policy: string;
  readonly what: string;
  readonly plant: Edit;
}

/** Sets what is at `path` (list positions as numbers); `undefined` removes it. */
export function set(title: string, path: string, value: unknown): Edit {
  return (documents) => {
    const [kind, name] = title.split("/");
    let here = documents.find((d) => kindOf(d) === kind && nameOf(d) === name) as unknown;
    const keys = path.split(" ");
    const last = keys.pop() ?? "";
    for (const key of keys) here = (here as Record<string, unknown>)[key];
    if (typeof here !== "object" || here === null) throw new RangeError(`${title} has no ${path}`);
    (here as Record<string, unknown>)[last] = value;
  };
}

function remove(title: string): Edit {
  return (documents) => {
    const [kind, name] = title.split("/");
    const index = documents.findIndex((d) => kindOf(d) === kind && nameOf(d) === name);
    if (index < 0) throw new RangeError(`there is no ${title}`);
    documents.splice(index, 1);
  };
}

/** The value of a variable of the first container; `undefined` removes it. */
function setVariable(title: string, name: string, value: string | undefined): Edit {
  return (documents) => {
    const [kind, ofName] = title.split("/");
    const found = documents.find((d) => kindOf(d) === kind && nameOf(d) === ofName);
    const container = list(at(found, "spec", "template", "spec", "containers"))[0];
    const variables = list(at(container, "env"));
    const index = variables.findIndex((variable) => text(variable, "name") === name);
    if (index < 0) throw new RangeError(`${title} has no ${name}`);
    set(title, `${CONTAINER} env ${index} value`, value)(documents);
  };
}

/** A way in from outside, for one path. */
function lead(host: string, path: string, pathType: "Exact" | "Prefix"): Edit {
  const backend = { service: { name: "orders", port: { name: "http" } } };
  return (documents) => {
    documents.push({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "planted", namespace: "shop" },
      spec: { rules: [{ host, http: { paths: [{ path, pathType, backend }] } }] },
    });
  };
}

const ORDERS = "Deployment/orders";
const POD = "spec template spec";
const CONTAINER = `${POD} containers 0`;

/** Rows of policy, mistake, edit. */
const ROWS: readonly (readonly [string, string, Edit])[] = [
  [
    "restricted-namespaces",
    "baseline namespace",
    set("Namespace/shop", "metadata labels", { "pod-security.kubernetes.io/enforce": "baseline" }),
  ],
  ["non-root", "root container", set(ORDERS, `${POD} securityContext runAsUser`, 0)],
  [
    "seccomp",
    "no seccomp profile",
    set(ORDERS, `${POD} securityContext seccompProfile`, undefined),
  ],
  ["no-host-access", "host network", set(ORDERS, `${POD} hostNetwork`, true)],
  [
    "no-host-access",
    "folder of the node",
    set(ORDERS, `${POD} volumes 0`, { name: "tmp", hostPath: { path: "/" } }),
  ],
  [
    "no-api-token",
    "token of the API",
    set(ORDERS, `${POD} automountServiceAccountToken`, undefined),
  ],
  [
    "no-privileges",
    "privilege escalation",
    set(ORDERS, `${CONTAINER} securityContext allowPrivilegeEscalation`, true),
  ],
  [
    "no-capabilities",
    "added capability",
    set(ORDERS, `${CONTAINER} securityContext capabilities add`, ["NET_ADMIN"]),
  ],
  [
    "read-only-root",
    "writable root",
    set(ORDERS, `${CONTAINER} securityContext readOnlyRootFilesystem`, false),
  ],
  [
    "pinned-images",
    "latest",
    set(ORDERS, `${CONTAINER} image`, "registry.example.com/orders:latest"),
  ],
  ["limits", "no memory limit", set(ORDERS, `${CONTAINER} resources limits memory`, undefined)],
  ["disruption-budget", "missing budget", remove("PodDisruptionBudget/orders")],
  [
    "disruption-budget",
    "budget above the floor",
    set("PodDisruptionBudget/orders", "spec minAvailable", 3),
  ],
  [
    "disruption-budget",
    "lone agent that may not move",
    set("PodDisruptionBudget/agent", "spec", {
      minAvailable: 1,
      selector: { matchLabels: { "app.kubernetes.io/name": "agent" } },
    }),
  ],
  ["probes", "no liveness probe", set(ORDERS, `${CONTAINER} livenessProbe`, undefined)],
  [
    "time-to-stop",
    "killed while draining",
    set(ORDERS, `${POD} terminationGracePeriodSeconds`, 20),
  ],
  ["priority", "unknown priority class", set(ORDERS, `${POD} priorityClassName`, "high")],
  [
    "spread",
    "spread with the pods of somebody else",
    set(ORDERS, `${POD} topologySpreadConstraints 1 labelSelector matchLabels`, { app: "orders" }),
  ],
  ["spread", "all on one node", set(ORDERS, `${POD} topologySpreadConstraints`, undefined)],
  ["autoscaling", "autoscaler with fixed replicas", set(ORDERS, "spec replicas", 3)],
  [
    "autoscaling",
    "no memory metric",
    set("HorizontalPodAutoscaler/orders", "spec metrics 1", undefined),
  ],
  [
    "autoscaling",
    "no stabilisation window",
    set(
      "HorizontalPodAutoscaler/orders",
      "spec behavior scaleDown stabilizationWindowSeconds",
      undefined,
    ),
  ],
  [
    "limit-range",
    "more memory than a container may have",
    set(ORDERS, `${CONTAINER} resources limits memory`, "2Gi"),
  ],
  [
    "quota",
    "quota below the largest size",
    set("HorizontalPodAutoscaler/orders", "spec maxReplicas", 200),
  ],
  ["quota", "no limit range", remove("LimitRange/containers")],
  ["default-deny", "open namespace", remove("NetworkPolicy/default-deny")],
  ["workload-network", "workload without policy", remove("NetworkPolicy/controller")],
  [
    "dns",
    "policy that blocks DNS",
    set("NetworkPolicy/dns", "spec egress 0 ports", [{ protocol: "UDP", port: 53 }]),
  ],
  [
    "exact-rules",
    "ingress from everybody",
    set("NetworkPolicy/controller", "spec ingress 0 from", undefined),
  ],
  [
    "metadata-service",
    "a pod that may have the rights of its node",
    set("NetworkPolicy/orders", "spec egress 1 to 0 ipBlock except", undefined),
  ],
  [
    "policy-ports",
    "closed port opened",
    set("NetworkPolicy/controller", "spec ingress 0 ports", [{ protocol: "TCP", port: 9999 }]),
  ],
  [
    "both-ends",
    "a door that opens from one side only",
    set("NetworkPolicy/orders", "spec ingress 0 from 1", undefined),
  ],
  [
    "both-ends",
    "a controller that lets no storefront in",
    set("NetworkPolicy/controller", "spec ingress 0 from 1", undefined),
  ],
  [
    "both-ends",
    "egress to pods that nobody runs",
    set("NetworkPolicy/storefront", "spec egress 0 to 0 podSelector matchLabels", { app: "order" }),
  ],
  [
    "visitor-addresses",
    "all visitors with the address of the balancer",
    setVariable(ORDERS, "TRUSTED_PROXIES", undefined),
  ],
  [
    "visitor-addresses",
    "visitors who write their address themselves",
    setVariable("Deployment/storefront", "TRUSTED_PROXIES", "2"),
  ],
  ["public-paths", "every path open to the world", lead("x.example.com", "/", "Prefix")],
  ["public-paths", "metrics open to the world", lead("x.example.com", "/metrics", "Exact")],
  [
    "public-paths",
    "a site that nobody outside can see the health of",
    lead("aws.shop.example.com", "/orders", "Prefix"),
  ],
  [
    "policy-selectors",
    "policy of nobody",
    set("NetworkPolicy/controller", "spec podSelector matchLabels", { app: "controler" }),
  ],
  [
    "probe-ports",
    "probe of another port",
    set(ORDERS, `${CONTAINER} readinessProbe httpGet port`, 8081),
  ],
  ["listen-ports", "listens elsewhere", set(ORDERS, `${CONTAINER} ports 0 containerPort`, 9090)],
  [
    "own-selector",
    "selector that misses its pods",
    set(ORDERS, "spec selector matchLabels", { app: "orders" }),
  ],
  ["services", "service of nobody", set("Service/orders", "spec selector", { app: "orders" })],
  ["services", "wrong target port", set("Service/orders", "spec ports 0 targetPort", "web")],
  [
    "monitors",
    "monitor of nobody",
    set("ServiceMonitor/orders", "spec selector matchLabels", { app: "orders" }),
  ],
  ["monitored", "workload that is not scraped", remove("ServiceMonitor/agent")],
  ["routes", "entry that leads nowhere", set("Service/orders", "metadata name", "order")],
  [
    "budget-selectors",
    "budget of nobody",
    set("PodDisruptionBudget/orders", "spec selector matchLabels", { app: "orders" }),
  ],
  [
    "service-accounts",
    "default service account",
    set(ORDERS, `${POD} serviceAccountName`, undefined),
  ],
  [
    "cloud-identities",
    "no identity for receipts",
    set("ServiceAccount/orders", "metadata annotations", {}),
  ],
  [
    "cloud-identities",
    "no cloud identity",
    set("ServiceAccount/controller", "metadata annotations", {}),
  ],
  [
    "peer-tokens",
    "a worker that only one cloud knows",
    set("Deployment/worker", `${CONTAINER} env`, []),
  ],
  [
    "no-secrets-in-manifests",
    "secret in the manifests",
    (documents) =>
      documents.push({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "database", namespace: "shop" },
      }),
  ],
  ["external-secrets", "secret from nowhere", remove("ExternalSecret/orders")],
  [
    "secret-stores",
    "unknown store",
    set("ExternalSecret/orders", "spec secretStoreRef name", "vault"),
  ],
  [
    "secret-files",
    "a worker that cannot open the state database",
    set("ExternalSecret/worker", "spec data 0 secretKey", "password"),
  ],
  [
    "secret-files",
    "file that is not mounted",
    set("ExternalSecret/agent", "spec data 0 secretKey", "other"),
  ],
  [
    "database-authorities",
    "a controller that cannot check the certificate of RDS",
    setVariable("Deployment/controller", "NODE_EXTRA_CA_CERTS", undefined),
  ],
  [
    "database-authorities",
    "an application on AWS that checks certificates without knowing who signs them",
    (documents) => {
      set("Deployment/orders", `${POD} volumes`, [])(documents);
      const sites = documents.filter(
        (d) => kindOf(d) === "ConfigMap" && at(d, "data", "CLOUD") !== undefined,
      );
      for (const site of sites) set(`ConfigMap/${nameOf(site)}`, "data CLOUD", "aws")(documents);
    },
  ],
  [
    "configuration",
    "controller on another port",
    set("Deployment/controller", `${CONTAINER} ports 0 containerPort`, 8080),
  ],
  [
    "traces",
    "traces that no policy lets out",
    set("NetworkPolicy/storefront", "spec egress 2", null),
  ],
  [
    "traces",
    "a policy for another port of the collector",
    set("NetworkPolicy/fulfilment", "spec egress 1 ports 0 port", 4317),
  ],
  ["traces", "traces that are sent nowhere", set(ORDERS, `${CONTAINER} env`, [])],
  [
    "log-reader",
    "logs bound to an account of another namespace",
    set("RoleBinding/log-reader", "subjects 0 namespace", "default"),
  ],
  ["log-reader", "logs that nobody may read", set("Role/log-reader", "rules 1", null)],
  [
    "least-rights",
    "a role that reads secrets",
    set("Role/log-reader", "rules 0 resources 1", "secrets"),
  ],
  ["least-rights", "a role that may do anything", set("Role/log-reader", "rules 1 verbs", ["*"])],
  [
    "least-rights",
    "a binding to a role that is not here",
    set("RoleBinding/log-reader", "roleRef name", "view"),
  ],
  [
    "least-rights",
    "rights in the whole cluster",
    (documents) =>
      documents.push({
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: "log-reader" },
      }),
  ],
];

export const mistakes: readonly Mistake[] = ROWS.map(([policy, what, plant]) => ({
  policy,
  what,
  plant,
}));

/** Whether the policy finds `mistake` in a copy of `documents`. */
export function isFound({ policy, plant }: Mistake, documents: readonly Json[]): boolean {
  const copy = JSON.parse(JSON.stringify(documents)) as Json[];
  plant(copy);
  // Removed values must be gone, as they would be in a file.
  const written = JSON.parse(JSON.stringify(copy)) as Json[];
  return checkPolicies(new Cluster(written)).some((finding) => finding.startsWith(`${policy}: `));
}

/** A sentence for every planted mistake that went unnoticed. */
export function missedMistakes(documents: readonly Json[]): readonly string[] {
  return mistakes
    .filter((mistake) => !isFound(mistake, documents))
    .map(({ policy, what }) => `the planted mistake "${what}" was not found by ${policy}`);
}
