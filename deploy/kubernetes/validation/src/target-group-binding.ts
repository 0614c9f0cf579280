/**
 * The AWS Load Balancer Controller's kind, which no package describes; after `elbv2.k8s.aws/v1beta1` in
 * https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/main/helm/aws-load-balancer-controller/crds/crds.yaml,
 * as far as it is used here.
 */
export interface ITargetGroupBinding {
  readonly apiVersion: "elbv2.k8s.aws/v1beta1";
  readonly kind: "TargetGroupBinding";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly serviceRef: { readonly name: string; readonly port: number | string };
    readonly targetType: "instance" | "ip";
    readonly targetGroupARN: string;
  };
}
