module "settings" {
  source = "../../modules/settings"

  application = var.application
  environment = var.environment
  cloud       = "azure"
  region      = var.region
  owner       = var.owner
  cost_center = var.cost_center
}

locals {
  context       = module.settings.context
  unique_suffix = substr(sha1("${var.subscription_id}/${local.context.name}/state"), 0, 5)
  account_name  = "${substr(replace(local.context.name, "-", ""), 0, 14)}state${local.unique_suffix}"
}

resource "azurerm_resource_group" "this" {
  name     = "${local.context.name}-bootstrap"
  location = var.region
  tags     = local.context.tags
}

resource "azurerm_user_assigned_identity" "state" {
  name                = "${local.context.name}-state"
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.context.tags
}

resource "azurerm_key_vault" "state" {
  name                          = "${substr(replace(local.context.name, "-", ""), 0, 14)}boot${local.unique_suffix}"
  location                      = var.region
  resource_group_name           = azurerm_resource_group.this.name
  tenant_id                     = var.tenant_id
  sku_name                      = "premium"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = true
  tags                          = local.context.tags

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
    ip_rules       = var.operator_cidrs
  }
}

resource "azurerm_key_vault_key" "state" {
  name         = "state"
  key_vault_id = azurerm_key_vault.state.id
  key_type     = "RSA-HSM"
  key_size     = 3072
  key_opts     = ["wrapKey", "unwrapKey"]
  tags         = local.context.tags

  rotation_policy {
    expire_after         = "P2Y"
    notify_before_expiry = "P60D"
    automatic {
      time_before_expiry = "P1Y"
    }
  }

  # A state without its key is lost.
  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_role_assignment" "key" {
  scope                = azurerm_key_vault_key.state.resource_versionless_id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.state.principal_id
}

# Blob leases are the locks: the azurerm backend takes one for as long as it writes.
resource "azurerm_storage_account" "state" {
  name                     = local.account_name
  location                 = var.region
  resource_group_name      = azurerm_resource_group.this.name
  account_kind             = "StorageV2"
  account_tier             = "Standard"
  account_replication_type = "ZRS"
  tags                     = local.context.tags

  https_traffic_only_enabled        = true
  min_tls_version                   = "TLS1_2"
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  local_user_enabled                = false
  public_network_access_enabled     = true

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
    ip_rules       = var.operator_cidrs
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.state.id]
  }

  customer_managed_key {
    key_vault_key_id          = azurerm_key_vault_key.state.versionless_id
    user_assigned_identity_id = azurerm_user_assigned_identity.state.id
  }

  blob_properties {
    versioning_enabled = true
    delete_retention_policy {
      days = 90
    }
    container_delete_retention_policy {
      days = 90
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [azurerm_role_assignment.key]
}

resource "azurerm_storage_container" "state" {
  name                  = "state"
  storage_account_id    = azurerm_storage_account.state.id
  container_access_type = "private"
}

resource "azurerm_role_assignment" "state" {
  for_each = var.state_principal_ids

  scope                = azurerm_storage_account.state.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.value
}

resource "azurerm_management_lock" "this" {
  name       = "keep"
  scope      = azurerm_resource_group.this.id
  lock_level = "CanNotDelete"
  notes      = "Terraform state and its key."
}

# Who did what in the subscription.
resource "azurerm_log_analytics_workspace" "activity" {
  count = var.activity_log ? 1 : 0

  name                         = "${local.context.name}-activity"
  location                     = var.region
  resource_group_name          = azurerm_resource_group.this.name
  sku                          = "PerGB2018"
  retention_in_days            = 400
  local_authentication_enabled = false
  tags                         = local.context.tags
}

resource "azurerm_monitor_diagnostic_setting" "activity" {
  count = var.activity_log ? 1 : 0

  name                       = "${local.context.name}-activity"
  target_resource_id         = "/subscriptions/${var.subscription_id}"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.activity[0].id

  dynamic "enabled_log" {
    for_each = ["Administrative", "Security", "Policy", "Alert"]
    content {
      category = enabled_log.value
    }
  }
}
