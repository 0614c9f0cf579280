resource "azurerm_postgresql_flexible_server" "this" {
  name                = var.context.name
  location            = var.context.region
  resource_group_name = var.resource_group_name
  version             = tostring(var.engine_version)
  sku_name            = var.instance.sku
  storage_mb          = var.instance.storage_mib
  auto_grow_enabled   = true
  tags                = merge(var.context.tags, { backup = "daily" })

  delegated_subnet_id           = var.network.subnet_id
  private_dns_zone_id           = var.network.private_zone_id
  public_network_access_enabled = false

  administrator_login               = "cloudphoenix_admin"
  administrator_password_wo         = var.password.value
  administrator_password_wo_version = var.password.version

  backup_retention_days        = var.context.protection.backup_retention_days
  geo_redundant_backup_enabled = var.geo_redundant_backup

  authentication {
    active_directory_auth_enabled = true
    password_auth_enabled         = true
    tenant_id                     = var.administrator.tenant_id
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [var.encryption.identity_id]
  }

  customer_managed_key {
    key_vault_key_id                  = var.encryption.key_id
    primary_user_assigned_identity_id = var.encryption.identity_id
  }

  dynamic "high_availability" {
    for_each = var.context.protection.multi_zone ? ["ZoneRedundant"] : []
    content {
      mode = high_availability.value
    }
  }

  maintenance_window {
    day_of_week  = 0
    start_hour   = 3
    start_minute = 30
  }

  # After a failover inside the server the zones have changed places; that is no reason to change them back.
  lifecycle {
    ignore_changes = [zone, high_availability[0].standby_availability_zone, storage_mb]
  }
}

resource "azurerm_postgresql_flexible_server_active_directory_administrator" "this" {
  server_name         = azurerm_postgresql_flexible_server.this.name
  resource_group_name = var.resource_group_name
  tenant_id           = var.administrator.tenant_id
  object_id           = var.administrator.object_id
  principal_name      = var.administrator.group_name
  principal_type      = "Group"
}

resource "azurerm_postgresql_flexible_server_configuration" "this" {
  for_each = {
    "require_secure_transport"        = "on"
    "ssl_min_protocol_version"        = "TLSv1.2"
    "wal_level"                       = "logical"
    "max_replication_slots"           = tostring(var.logical_replication.max_slots)
    "max_wal_senders"                 = tostring(var.logical_replication.max_slots + 5)
    "max_logical_replication_workers" = "16"
    "max_worker_processes"            = "32"
    "max_slot_wal_keep_size"          = tostring(var.logical_replication.slot_wal_keep_mib)
    "wal_sender_timeout"              = "15000"
    "log_lock_waits"                  = "on"
    "log_min_duration_statement"      = "1000"
  }

  name      = each.key
  server_id = azurerm_postgresql_flexible_server.this.id
  value     = each.value
}

resource "azurerm_postgresql_flexible_server_database" "this" {
  name      = var.database_name
  server_id = azurerm_postgresql_flexible_server.this.id
  charset   = "UTF8"
  collation = "en_US.utf8"
}

# The server has no deletion protection of its own; a lock is what Azure offers.
resource "azurerm_management_lock" "this" {
  count = var.context.protection.deletion_protection ? 1 : 0

  name       = "keep"
  scope      = azurerm_postgresql_flexible_server.this.id
  lock_level = "CanNotDelete"
  notes      = "Database of ${var.context.name}."
}
