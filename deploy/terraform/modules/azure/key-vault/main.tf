# Access is granted by role (RBAC), never by access policy; purge protection is on everywhere because a key
# that is purged takes the data with it.
resource "azurerm_key_vault" "this" {
  name                          = "${substr(replace(var.context.name, "-", ""), 0, 17)}${var.unique_suffix}"
  location                      = var.context.region
  resource_group_name           = var.resource_group_name
  tenant_id                     = var.tenant_id
  sku_name                      = "premium"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = var.context.protection.deletion_protection ? 90 : 7
  public_network_access_enabled = length(var.operator_cidrs) > 0
  tags                          = var.context.tags

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
    ip_rules       = var.operator_cidrs
  }
}

resource "azurerm_private_endpoint" "this" {
  name                = "${var.context.name}-vault"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  subnet_id           = var.endpoint.subnet_id
  tags                = var.context.tags

  private_service_connection {
    name                           = "vault"
    private_connection_resource_id = azurerm_key_vault.this.id
    subresource_names              = ["vault"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "vault"
    private_dns_zone_ids = [var.endpoint.private_zone_id]
  }
}

resource "azurerm_key_vault_key" "this" {
  for_each = var.purposes

  name         = each.key
  key_vault_id = azurerm_key_vault.this.id
  key_type     = "RSA-HSM"
  key_size     = 3072
  key_opts     = ["wrapKey", "unwrapKey"]
  tags         = var.context.tags

  rotation_policy {
    expire_after         = "P2Y"
    notify_before_expiry = "P60D"
    automatic {
      time_before_expiry = "P1Y"
    }
  }

  depends_on = [azurerm_private_endpoint.this]
}

resource "azurerm_user_assigned_identity" "key" {
  for_each = var.purposes

  name                = "${var.context.name}-key-${each.key}"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

resource "azurerm_role_assignment" "key" {
  for_each = var.purposes

  scope                = azurerm_key_vault_key.this[each.key].resource_versionless_id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.key[each.key].principal_id
}

resource "azurerm_role_assignment" "secrets" {
  for_each = var.secret_readers

  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = each.value
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "audit"
  target_resource_id         = azurerm_key_vault.this.id
  log_analytics_workspace_id = var.log_workspace_id

  enabled_log {
    category_group = "audit"
  }
}

resource "azurerm_management_lock" "this" {
  count = var.context.protection.deletion_protection ? 1 : 0

  name       = "keep"
  scope      = azurerm_key_vault.this.id
  lock_level = "CanNotDelete"
  notes      = "Keys of ${var.context.name}: without them the data is lost."
}
