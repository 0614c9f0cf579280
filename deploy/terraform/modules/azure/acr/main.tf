# Premium, because only that size has private endpoints, customer-managed keys and replicas.
resource "azurerm_container_registry" "this" {
  name                          = "${replace(var.context.name, "-", "")}${var.unique_suffix}"
  location                      = var.context.region
  resource_group_name           = var.resource_group_name
  sku                           = "Premium"
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = false
  network_rule_bypass_option    = "AzureServices"
  zone_redundancy_enabled       = var.context.protection.multi_zone
  tags                          = var.context.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [var.encryption.identity_id]
  }

  encryption = [{
    key_vault_key_id   = var.encryption.key_id
    identity_client_id = var.encryption.identity_client_id
  }]

  dynamic "georeplications" {
    for_each = sort(var.replica_regions)
    content {
      location                = georeplications.value
      zone_redundancy_enabled = var.context.protection.multi_zone
      tags                    = var.context.tags
    }
  }
}

resource "azurerm_private_endpoint" "this" {
  name                = "${var.context.name}-registry"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  subnet_id           = var.endpoint.subnet_id
  tags                = var.context.tags

  private_service_connection {
    name                           = "registry"
    private_connection_resource_id = azurerm_container_registry.this.id
    subresource_names              = ["registry"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "registry"
    private_dns_zone_ids = [var.endpoint.private_zone_id]
  }
}

resource "azurerm_role_assignment" "pull" {
  for_each = var.reader_principal_ids

  scope                = azurerm_container_registry.this.id
  role_definition_name = "AcrPull"
  principal_id         = each.value
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "audit"
  target_resource_id         = azurerm_container_registry.this.id
  log_analytics_workspace_id = var.log_workspace_id

  enabled_log {
    category_group = "audit"
  }
}
