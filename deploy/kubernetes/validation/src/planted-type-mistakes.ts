/** Mistakes in fields and values, planted into copies of single documents: what only types can see. */
import { type Json, kindOf, nameOf } from "./document.ts";
import { type Edit, set } from "./planted-mistakes.ts";
import { typeFindings } from "./type-check.ts";

/** One mistake; its first word names the document it is planted in. */
export interface TypeMistake {
  readonly what: string;
  readonly title: string;
  readonly plant: Edit;
}

const CONTAINER = "spec template spec containers 0";

/** Rows of mistake, document, path and value. */
const ROWS: readonly (readonly [string, string, string, unknown])[] = [
  ["minAvailble", "PodDisruptionBudget/orders", "spec minAvailble", 1],
  [
    "readonlyRootFilesystem",
    "Deployment/orders",
    `${CONTAINER} securityContext readonlyRootFilesystem`,
    true,
  ],
  ["a number in words", "Deployment/controller", "spec replicas", "three"],
  ["a port in quotes", "Deployment/orders", `${CONTAINER} ports 0 containerPort`, "8080"],
  ["a field three levels down", "Deployment/agent", `${CONTAINER} readinessProbe httpGet url`, "/"],
  ["remoteRef.keyy", "ExternalSecret/orders", "spec data 0 remoteRef keyy", "database-app"],
  ["no secret to ask for", "ExternalSecret/orders", "spec data 0 remoteRef", undefined],
  [
    "a policy the operator does not know",
    "ExternalSecret/orders",
    "spec target creationPolicy",
    "Sometimes",
  ],
  ["an interval that is none", "ServiceMonitor/orders", "spec endpoints 0 interval", "15 seconds"],
  [
    "a metric of the old API",
    "HorizontalPodAutoscaler/orders",
    "spec metrics 0 resource targetAverageUtilization",
    65,
  ],
  ["an API that is gone", "HorizontalPodAutoscaler/orders", "apiVersion", "autoscaling/v2beta2"],
  [
    "a selector without its operator",
    "NetworkPolicy/orders",
    "spec podSelector matchExpressions",
    [{ key: "app" }],
  ],
  ["a network without its address", "NetworkPolicy/agent", "spec egress 0 to 0 ipBlock cidr", 10],
  ["a misspelt label map", "Namespace/shop", "metadata label", {}],
  ["a role that is no text", "ServiceAccount/controller", "metadata annotations", { role: 1 }],
  ["a quota as a list", "ResourceQuota/quota", "spec hard", ["pods"]],
  ["a rule without verbs", "Role/log-reader", "rules 0 verbs", undefined],
  ["a priority in words", "PriorityClass/cloudphoenix-control", "value", "high"],
];

export const typeMistakes: readonly TypeMistake[] = ROWS.map(([what, title, path, value]) => ({
  what,
  title,
  plant: set(title, path, value),
}));

/** The mistakes that the types do not see in `documents`, as sentences. */
export async function missedTypeMistakes(documents: readonly Json[]): Promise<readonly string[]> {
  const planted = typeMistakes.map((mistake) => plantedIn(mistake, documents));
  const found = await typeFindings(planted);
  return typeMistakes
    .filter((_, index) => found[index]?.length === 0)
    .map(({ what, title }) => `the types do not see ${what} in ${title}`);
}

/** The one document the mistake is in, changed. @throws {RangeError} if it is not there */
function plantedIn({ title, plant }: TypeMistake, documents: readonly Json[]): Json {
  const [kind, name] = title.split("/");
  const found = documents.find((one) => kindOf(one) === kind && nameOf(one) === name);
  if (found === undefined) throw new RangeError(`there is no ${title}`);
  const copy = structuredClone(found);
  plant([copy]);
  return copy;
}
