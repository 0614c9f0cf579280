# Both answers are in place; one is enabled. An endpoint that always serves is given out whatever the
# health check says: the check is watched, the switch is followed.
resource "azurerm_traffic_manager_profile" "this" {
  name                   = var.context.name
  resource_group_name    = var.resource_group_name
  traffic_routing_method = "Priority"
  tags                   = var.context.tags

  dns_config {
    relative_name = var.relative_name
    ttl           = var.ttl_seconds
  }

  monitor_config {
    protocol                     = "HTTPS"
    port                         = 443
    path                         = "/live"
    interval_in_seconds          = 10
    timeout_in_seconds           = 5
    tolerated_number_of_failures = 2

    custom_header {
      name  = "host"
      value = var.host
    }
  }
}

resource "azurerm_traffic_manager_external_endpoint" "this" {
  for_each = var.sites

  name                 = each.key
  profile_id           = azurerm_traffic_manager_profile.this.id
  target               = each.value.target
  priority             = each.value.priority
  enabled              = each.key == var.active_site
  always_serve_enabled = true

  # From here on whoever moves the users owns the switch; a later apply must not throw it back.
  lifecycle {
    ignore_changes = [enabled]
  }
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "health"
  target_resource_id         = azurerm_traffic_manager_profile.this.id
  log_analytics_workspace_id = var.log_workspace_id

  enabled_log {
    category = "ProbeHealthStatusEvents"
  }
}
