output "cluster_name" {
  description = "Name of the cluster."
  value       = azurerm_kubernetes_cluster.this.name
}

output "cluster_id" {
  description = "The cluster."
  value       = azurerm_kubernetes_cluster.this.id
}

output "kubelet_principal_id" {
  description = "Identity that pulls images."
  value       = azurerm_user_assigned_identity.kubelet.principal_id
}

output "entry_address" {
  description = "Fixed public address of the ingress; the DNS record of the active site points to it."
  value       = azurerm_public_ip.entry.ip_address
}

output "entry_address_name" {
  description = "Name of the address; goes into the ingress service's annotation `service.beta.kubernetes.io/azure-pip-name`."
  value       = azurerm_public_ip.entry.name
}

output "workload_client_ids" {
  description = "Client id by workload identity; goes into the annotation `azure.workload.identity/client-id` of its service account."
  value       = { for name, identity in azurerm_user_assigned_identity.workload : name => identity.client_id }
}

output "workload_principal_ids" {
  description = "Principal id by workload identity, for roles that are assigned elsewhere."
  value       = { for name, identity in azurerm_user_assigned_identity.workload : name => identity.principal_id }
}

output "oidc_issuer_url" {
  description = "Issuer of the cluster's tokens; the other stack's `peer_oidc_issuer_url`."
  value       = azurerm_kubernetes_cluster.this.oidc_issuer_url
}
