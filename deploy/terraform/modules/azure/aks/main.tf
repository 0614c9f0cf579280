# An identity of our own, made first: its rights on the network exist before the cluster needs them.
resource "azurerm_user_assigned_identity" "cluster" {
  name                = "${var.context.name}-aks"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

resource "azurerm_role_assignment" "network" {
  scope                = var.virtual_network_id
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.cluster.principal_id
}

# Nodes pull images with an identity of their own, so that the grant can exist before the first node does.
resource "azurerm_user_assigned_identity" "kubelet" {
  name                = "${var.context.name}-kubelet"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

resource "azurerm_role_assignment" "kubelet" {
  scope                = azurerm_user_assigned_identity.kubelet.id
  role_definition_name = "Managed Identity Operator"
  principal_id         = azurerm_user_assigned_identity.cluster.principal_id
}

resource "azurerm_kubernetes_cluster" "this" {
  name                = var.context.name
  location            = var.context.region
  resource_group_name = var.resource_group_name
  node_resource_group = "${var.context.name}-nodes"
  dns_prefix          = var.context.name
  kubernetes_version  = var.kubernetes_version
  sku_tier            = var.context.environment == "production" ? "Standard" : "Free"
  tags                = var.context.tags

  private_cluster_enabled             = true
  private_cluster_public_fqdn_enabled = false
  private_dns_zone_id                 = "System"

  local_account_disabled            = true
  role_based_access_control_enabled = true
  oidc_issuer_enabled               = true
  workload_identity_enabled         = true
  azure_policy_enabled              = true
  run_command_enabled               = false
  image_cleaner_enabled             = true
  image_cleaner_interval_hours      = 168
  automatic_upgrade_channel         = "patch"
  node_os_upgrade_channel           = "NodeImage"

  azure_active_directory_role_based_access_control {
    tenant_id              = var.tenant_id
    azure_rbac_enabled     = true
    admin_group_object_ids = var.admin_group_object_ids
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.cluster.id]
  }

  kubelet_identity {
    client_id                 = azurerm_user_assigned_identity.kubelet.client_id
    object_id                 = azurerm_user_assigned_identity.kubelet.principal_id
    user_assigned_identity_id = azurerm_user_assigned_identity.kubelet.id
  }

  default_node_pool {
    name                         = "system"
    vm_size                      = var.nodes.size
    vnet_subnet_id               = var.subnet_id
    zones                        = var.context.protection.multi_zone ? ["1", "2", "3"] : ["1"]
    auto_scaling_enabled         = true
    min_count                    = var.context.protection.multi_zone ? 2 : 1
    max_count                    = 4
    os_sku                       = "AzureLinux"
    os_disk_size_gb              = var.nodes.disk_gib
    host_encryption_enabled      = true
    only_critical_addons_enabled = true
    temporary_name_for_rotation  = "systemtmp"
    tags                         = var.context.tags

    upgrade_settings {
      max_surge                     = "33%"
      drain_timeout_in_minutes      = 15
      node_soak_duration_in_minutes = 0
    }
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    pod_cidr            = var.overlay.pod_cidr
    service_cidr        = var.overlay.service_cidr
    dns_service_ip      = cidrhost(var.overlay.service_cidr, 10)
    load_balancer_sku   = "standard"
    outbound_type       = "userAssignedNATGateway"
  }

  maintenance_window_auto_upgrade {
    frequency   = "Weekly"
    interval    = 1
    duration    = 4
    day_of_week = "Sunday"
    start_time  = "03:00"
    utc_offset  = "+00:00"
  }

  maintenance_window_node_os {
    frequency   = "Weekly"
    interval    = 1
    duration    = 4
    day_of_week = "Sunday"
    start_time  = "03:00"
    utc_offset  = "+00:00"
  }

  lifecycle {
    ignore_changes = [default_node_pool[0].node_count]
  }

  depends_on = [azurerm_role_assignment.network, azurerm_role_assignment.kubelet]
}

resource "azurerm_kubernetes_cluster_node_pool" "workload" {
  name                        = "workload"
  kubernetes_cluster_id       = azurerm_kubernetes_cluster.this.id
  orchestrator_version        = var.kubernetes_version
  vm_size                     = var.nodes.size
  vnet_subnet_id              = var.subnet_id
  zones                       = var.context.protection.multi_zone ? ["1", "2", "3"] : ["1"]
  auto_scaling_enabled        = true
  min_count                   = var.nodes.min
  max_count                   = var.nodes.max
  os_sku                      = "AzureLinux"
  os_disk_size_gb             = var.nodes.disk_gib
  host_encryption_enabled     = true
  temporary_name_for_rotation = "worktmp"
  tags                        = var.context.tags

  upgrade_settings {
    max_surge = "33%"
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [node_count]
  }
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "control-plane"
  target_resource_id         = azurerm_kubernetes_cluster.this.id
  log_analytics_workspace_id = var.log_workspace_id

  dynamic "enabled_log" {
    for_each = ["kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "guard"]
    content {
      category = enabled_log.value
    }
  }
}

resource "azurerm_management_lock" "this" {
  count = var.context.protection.deletion_protection ? 1 : 0

  name       = "keep"
  scope      = azurerm_kubernetes_cluster.this.id
  lock_level = "CanNotDelete"
  notes      = "Cluster of ${var.context.name}."
}
