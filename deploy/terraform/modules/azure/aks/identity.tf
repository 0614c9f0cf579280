# Pods prove who they are with the cluster's own tokens; each identity trusts exactly one service account.
locals {
  role_assignments = merge([for name, identity in var.workload_identities : {
    for role, scope in identity.roles : "${name} ${role}" => { identity = name, role = role, scope = scope }
  }]...)
}

resource "azurerm_user_assigned_identity" "workload" {
  for_each = var.workload_identities

  name                = "${var.context.name}-${each.key}"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

resource "azurerm_federated_identity_credential" "workload" {
  for_each = var.workload_identities

  name                = "${each.value.namespace}-${each.value.service_account}"
  resource_group_name = var.resource_group_name
  parent_id           = azurerm_user_assigned_identity.workload[each.key].id
  issuer              = azurerm_kubernetes_cluster.this.oidc_issuer_url
  subject             = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
  audience            = ["api://AzureADTokenExchange"]
}

# No key crosses the clouds: the other cluster's pods show their own token here.
resource "azurerm_federated_identity_credential" "peer" {
  for_each = var.peer_trust == null ? toset([]) : var.peer_trust.identities

  name                = "peer-${var.workload_identities[each.key].namespace}-${var.workload_identities[each.key].service_account}"
  resource_group_name = var.resource_group_name
  parent_id           = azurerm_user_assigned_identity.workload[each.key].id
  issuer              = var.peer_trust.issuer_url
  subject             = "system:serviceaccount:${var.workload_identities[each.key].namespace}:${var.workload_identities[each.key].service_account}"
  audience            = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "workload" {
  for_each = local.role_assignments

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.workload[each.value.identity].principal_id
}
