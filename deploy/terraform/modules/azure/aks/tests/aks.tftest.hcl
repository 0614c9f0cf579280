mock_provider "azurerm" {
  mock_resource "azurerm_kubernetes_cluster" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.ContainerService/managedClusters/shop-prod" }
  }
  mock_resource "azurerm_user_assigned_identity" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i", principal_id = "55555555-5555-5555-5555-555555555555" }
  }
}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "westeurope"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  resource_group_name    = "shop-prod"
  kubernetes_version     = "1.34"
  tenant_id              = "11111111-1111-1111-1111-111111111111"
  subnet_id              = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Network/virtualNetworks/shop-prod/subnets/node"
  virtual_network_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Network/virtualNetworks/shop-prod"
  admin_group_object_ids = ["22222222-2222-2222-2222-222222222222"]
  nodes                  = { size = "Standard_D2ps_v6", min = 2, max = 12 }
  log_workspace_id       = "workspace"
  workload_identities = {
    orders = { namespace = "shop", service_account = "orders", roles = { "Key Vault Secrets User" = "vault" } }
  }
}

run "the_api_is_private_and_people_come_through_entra" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.private_cluster_enabled && azurerm_kubernetes_cluster.this.local_account_disabled && azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].azure_rbac_enabled
    error_message = "Private API, no local accounts, Azure RBAC."
  }

  assert {
    condition     = !azurerm_kubernetes_cluster.this.run_command_enabled && azurerm_kubernetes_cluster.this.sku_tier == "Standard"
    error_message = "No command channel around the network; production has an uptime promise."
  }
}

run "production_spans_zones_and_is_locked" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.workload.zones == toset(["1", "2", "3"]) && length(azurerm_management_lock.this) == 1 && length(azurerm_management_lock.entry) == 1
    error_message = "Three zones; neither cluster nor entry address is deleted by accident."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].dns_service_ip == "100.65.0.10" && azurerm_kubernetes_cluster.this.network_profile[0].network_policy == "cilium"
    error_message = "Network policies of the manifests are enforced."
  }
}

run "an_identity_trusts_one_service_account" {
  command = plan

  assert {
    condition     = azurerm_federated_identity_credential.workload["orders"].subject == "system:serviceaccount:shop:orders" && azurerm_role_assignment.workload["orders Key Vault Secrets User"].scope == "vault"
    error_message = "The credential names namespace and service account; the role has a scope."
  }
}

run "refuses_old_kubernetes" {
  command = plan
  variables {
    kubernetes_version = "1.27"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_tenant_that_is_a_name" {
  command = plan
  variables {
    tenant_id = "example.com"
  }
  expect_failures = [var.tenant_id]
}

run "refuses_pod_range_that_is_none" {
  command = plan
  variables {
    overlay = { pod_cidr = "pods" }
  }
  expect_failures = [var.overlay]
}

run "refuses_overlapping_pods_and_services" {
  command = plan
  variables {
    overlay = { pod_cidr = "100.64.0.0/16", service_cidr = "100.64.16.0/20" }
  }
  expect_failures = [var.overlay]
}

run "refuses_cluster_without_administrators" {
  command = plan
  variables {
    admin_group_object_ids = []
  }
  expect_failures = [var.admin_group_object_ids]
}

run "refuses_outdated_size" {
  command = plan
  variables {
    nodes = { size = "Standard_D2_v2", min = 2, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_min_above_max" {
  command = plan
  variables {
    nodes = { size = "Standard_D2ps_v6", min = 5, max = 3 }
  }
  expect_failures = [var.nodes]
}

run "refuses_burstable_nodes_in_production" {
  command = plan
  variables {
    nodes = { size = "Standard_B2s_v2", min = 2, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_tiny_disk" {
  command = plan
  variables {
    nodes = { size = "Standard_D2ps_v6", min = 2, max = 12, disk_gib = 8 }
  }
  expect_failures = [var.nodes]
}

run "refuses_identity_with_wildcard" {
  command = plan
  variables {
    workload_identities = { orders = { namespace = "shop", service_account = "*" } }
  }
  expect_failures = [var.workload_identities]
}

run "refuses_identity_that_owns_everything" {
  command = plan
  variables {
    workload_identities = { orders = { namespace = "shop", service_account = "orders", roles = { Owner = "subscription" } } }
  }
  expect_failures = [var.workload_identities]
}

run "an_identity_also_trusts_the_other_cluster_where_it_is_named" {
  command = plan
  variables {
    peer_trust = { issuer_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC", identities = ["orders"] }
  }

  assert {
    condition     = azurerm_federated_identity_credential.peer["orders"].issuer == "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC" && azurerm_federated_identity_credential.peer["orders"].subject == "system:serviceaccount:shop:orders"
    error_message = "The same service account of the other cluster, and no other identity."
  }
}

run "refuses_peer_that_is_no_issuer" {
  command = plan
  variables {
    peer_trust = { issuer_url = "oidc.example.com", identities = ["orders"] }
  }
  expect_failures = [var.peer_trust]
}

run "refuses_peer_of_an_unknown_identity" {
  command = plan
  variables {
    peer_trust = { issuer_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC", identities = ["everything"] }
  }
  expect_failures = [var.peer_trust]
}
