# Versions, soft delete and the change feed together: what is overwritten or deleted can be had back.
resource "azurerm_storage_account" "this" {
  name                     = "${substr(replace(var.context.name, "-", ""), 0, 18)}${var.unique_suffix}"
  location                 = var.context.region
  resource_group_name      = var.resource_group_name
  account_kind             = "StorageV2"
  account_tier             = "Standard"
  account_replication_type = var.replication
  tags                     = merge(var.context.tags, { backup = "daily" })

  https_traffic_only_enabled        = true
  min_tls_version                   = "TLS1_2"
  public_network_access_enabled     = false
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  local_user_enabled                = false
  sftp_enabled                      = false

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [var.encryption.identity_id]
  }

  customer_managed_key {
    key_vault_key_id          = var.encryption.key_id
    user_assigned_identity_id = var.encryption.identity_id
  }

  # The restore point must be younger than soft delete: the service asks for it.
  blob_properties {
    versioning_enabled            = true
    change_feed_enabled           = true
    change_feed_retention_in_days = var.lifecycle_days.old_versions

    delete_retention_policy {
      days = var.context.protection.backup_retention_days
    }
    container_delete_retention_policy {
      days = var.context.protection.backup_retention_days
    }
    restore_policy {
      days = var.context.protection.backup_retention_days - 1
    }
  }
}

resource "azurerm_storage_container" "this" {
  for_each = var.containers

  name                  = each.key
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_storage_management_policy" "this" {
  storage_account_id = azurerm_storage_account.this.id

  rule {
    name    = "age"
    enabled = true
    filters {
      blob_types = ["blockBlob"]
    }
    actions {
      base_blob {
        tier_to_cool_after_days_since_modification_greater_than = var.lifecycle_days.cool
      }
      version {
        delete_after_days_since_creation = var.lifecycle_days.old_versions
      }
    }
  }
}

resource "azurerm_private_endpoint" "this" {
  name                = "${var.context.name}-blob"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  subnet_id           = var.endpoint.subnet_id
  tags                = var.context.tags

  private_service_connection {
    name                           = "blob"
    private_connection_resource_id = azurerm_storage_account.this.id
    subresource_names              = ["blob"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "blob"
    private_dns_zone_ids = [var.endpoint.private_zone_id]
  }
}

resource "azurerm_management_lock" "this" {
  count = var.context.protection.deletion_protection ? 1 : 0

  name       = "keep"
  scope      = azurerm_storage_account.this.id
  lock_level = "CanNotDelete"
  notes      = "Objects of ${var.context.name}."
}
