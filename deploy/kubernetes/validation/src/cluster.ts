/** All rendered documents of one overlay, with the questions that policies ask of them. */
import {
  at,
  type Json,
  kindOf,
  list,
  namespaceOf,
  nameOf,
  picks,
  record,
  titleOf,
} from "./document.ts";

/** A Deployment and what its pods look like. */
export interface Workload {
  readonly title: string;
  readonly name: string;
  readonly namespace: string;
  readonly document: Json;
  readonly pod: Json;
  readonly labels: Json;
  /** Containers that serve; init containers are not among them. */
  readonly containers: readonly Json[];
  readonly everyContainer: readonly Json[];
}

export class Cluster {
  readonly documents: readonly Json[];

  constructor(documents: readonly Json[]) {
    this.documents = documents;
  }

  /** Documents of a kind, in one namespace if that is given. */
  all(kind: string, namespace?: string): readonly Json[] {
    return this.documents.filter(
      (document) =>
        kindOf(document) === kind &&
        (namespace === undefined || namespaceOf(document) === namespace),
    );
  }

  find(kind: string, namespace: string, name: string): Json | undefined {
    return this.all(kind, namespace).find((document) => nameOf(document) === name);
  }

  get workloads(): readonly Workload[] {
    return this.documents
      .filter((document) => at(document, "spec", "template", "spec") !== undefined)
      .map(workloadOf);
  }

  /** Documents of `kind` in the namespace of `workload` whose selector at `path` picks its pods. */
  selecting(kind: string, workload: Workload, ...path: readonly string[]): readonly Json[] {
    return this.all(kind, workload.namespace).filter((document) =>
      picks(at(document, ...path), workload.labels),
    );
  }

  /** The autoscaler of a workload. */
  autoscalerOf({ namespace, name, document }: Workload): Json | undefined {
    return this.all("HorizontalPodAutoscaler", namespace).find(
      (scaler) =>
        at(scaler, "spec", "scaleTargetRef", "name") === name &&
        at(scaler, "spec", "scaleTargetRef", "kind") === kindOf(document),
    );
  }
}

function workloadOf(document: Json): Workload {
  const template = at(document, "spec", "template");
  const pod = record(at(template, "spec"));
  const containers = list(pod["containers"]);
  return {
    title: titleOf(document),
    name: nameOf(document),
    namespace: namespaceOf(document),
    document,
    pod,
    labels: record(at(template, "metadata", "labels")),
    containers,
    everyContainer: [...containers, ...list(pod["initContainers"])],
  };
}
