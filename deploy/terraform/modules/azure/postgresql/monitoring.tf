resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "all"
  target_resource_id         = azurerm_postgresql_flexible_server.this.id
  log_analytics_workspace_id = var.log_workspace_id

  enabled_log {
    category_group = "allLogs"
  }
  enabled_metric {
    category = "AllMetrics"
  }
}

resource "azurerm_monitor_metric_alert" "this" {
  for_each = {
    cpu         = { metric = "cpu_percent", aggregation = "Average", operator = "GreaterThan", threshold = 80, text = "The database has been busy for fifteen minutes." }
    storage     = { metric = "storage_percent", aggregation = "Maximum", operator = "GreaterThan", threshold = 80, text = "The disk is filling; look for a replication slot that holds WAL." }
    alive       = { metric = "is_db_alive", aggregation = "Maximum", operator = "LessThan", threshold = 1, text = "The server does not answer." }
    slot-lag    = { metric = "logical_replication_delay_in_bytes", aggregation = "Maximum", operator = "GreaterThan", threshold = 1073741824, text = "The other cloud is behind: a failover now loses more than planned." }
    connections = { metric = "connections_failed", aggregation = "Total", operator = "GreaterThan", threshold = 50, text = "Clients are refused." }
  }

  name                = "${var.context.name}-database-${each.key}"
  description         = each.value.text
  resource_group_name = var.resource_group_name
  scopes              = [azurerm_postgresql_flexible_server.this.id]
  severity            = each.key == "alive" ? 0 : 2
  frequency           = "PT1M"
  window_size         = each.key == "cpu" ? "PT15M" : "PT5M"
  tags                = var.context.tags

  criteria {
    metric_namespace = "Microsoft.DBforPostgreSQL/flexibleServers"
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = each.value.operator
    threshold        = each.value.threshold
  }

  action {
    action_group_id = var.action_group_id
  }
}
