/**
 * Fields that exist, for the kinds used here: a misspelt one is ignored by Kubernetes or refused at the
 * worst time. The names are from the API reference, written down by hand; deeper levels and the types of
 * values are not checked.
 */
import { at, type Json, kindOf, record, titleOf } from "../document.ts";
import type { Policy } from "./policy.ts";

const words = (line: string): readonly string[] => line.split(" ");

const SPEC: Readonly<Record<string, readonly string[]>> = {
  ClusterSecretStore: words("controller provider retrySettings refreshInterval conditions"),
  ConfigMap: [],
  Deployment: words(
    "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
  ),
  ExternalSecret: words("secretStoreRef target refreshInterval refreshPolicy data dataFrom"),
  HorizontalPodAutoscaler: words("scaleTargetRef minReplicas maxReplicas metrics behavior"),
  Ingress: words("ingressClassName defaultBackend tls rules"),
  LimitRange: ["limits"],
  Namespace: [],
  NetworkPolicy: words("podSelector policyTypes ingress egress"),
  PodDisruptionBudget: words("minAvailable maxUnavailable selector unhealthyPodEvictionPolicy"),
  PriorityClass: [],
  ResourceQuota: words("hard scopes scopeSelector"),
  Service: words(
    "type selector ports loadBalancerClass allocateLoadBalancerNodePorts externalTrafficPolicy internalTrafficPolicy",
  ),
  ServiceAccount: [],
  ServiceMonitor: words("selector endpoints jobLabel namespaceSelector"),
  TargetGroupBinding: words("serviceRef targetType targetGroupARN networking ipAddressType vpcID"),
};

const POD = words(
  "serviceAccountName automountServiceAccountToken enableServiceLinks securityContext priorityClassName terminationGracePeriodSeconds topologySpreadConstraints tolerations affinity nodeSelector initContainers containers volumes hostNetwork hostPID hostIPC",
);

const CONTAINER = words(
  "name image imagePullPolicy workingDir command args ports env envFrom startupProbe readinessProbe livenessProbe lifecycle resources securityContext volumeMounts restartPolicy",
);

const SECURITY = words(
  "runAsNonRoot runAsUser runAsGroup fsGroup fsGroupChangePolicy seccompProfile allowPrivilegeEscalation privileged readOnlyRootFilesystem capabilities",
);

function unknown(
  value: Json | undefined,
  known: readonly string[],
  where: string,
): readonly string[] {
  return Object.keys(record(value))
    .filter((key) => !known.includes(key))
    .map((key) => `${where} has the field ${key}, which is not known here`);
}

export const fieldPolicies: readonly Policy[] = [
  {
    name: "known-fields",
    check: (cluster) => [
      ...cluster.documents.flatMap((document) => {
        const known = SPEC[kindOf(document)];
        if (known === undefined) return [`${titleOf(document)} is of a kind not known here`];
        return unknown(at(document, "spec"), known, titleOf(document));
      }),
      ...cluster.workloads.flatMap(({ title, pod, everyContainer }) => [
        ...unknown(pod, POD, `${title}, pod`),
        ...unknown(at(pod, "securityContext"), SECURITY, `${title}, pod`),
        ...everyContainer.flatMap((container) => [
          ...unknown(container, CONTAINER, `${title}, container`),
          ...unknown(at(container, "securityContext"), SECURITY, `${title}, container`),
        ]),
      ]),
    ],
  },
];
