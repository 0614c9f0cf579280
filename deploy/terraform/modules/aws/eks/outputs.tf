output "cluster_name" {
  description = "Name of the cluster, as `aws eks update-kubeconfig --name` takes it."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "URL of the Kubernetes API; private unless `public_access_cidrs` is set."
  value       = aws_eks_cluster.this.endpoint
}

output "node_security_group_id" {
  description = "Group of nodes and pods; databases and load balancers name it in their rules."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "workload_role_arns" {
  description = "Role by workload identity; goes into the annotation `eks.amazonaws.com/role-arn` of its service account."
  value       = { for name in keys(var.workload_identities) : name => aws_iam_role.workload[name].arn }
}

output "oidc_issuer_url" {
  description = "Issuer of the cluster's tokens; the other stack's `peer_oidc_issuer_url`."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}
