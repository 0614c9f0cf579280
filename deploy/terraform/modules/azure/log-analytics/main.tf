# Everything in Azure writes here, and the alerts that must work without the cluster start here.
# The workspace keeps 30 to 730 days; 731, AWS's two years, is cut to that.
resource "azurerm_log_analytics_workspace" "this" {
  name                         = var.context.name
  location                     = var.context.region
  resource_group_name          = var.resource_group_name
  sku                          = "PerGB2018"
  retention_in_days            = min(var.context.protection.log_retention_days, 730)
  daily_quota_gb               = var.daily_quota_gib
  local_authentication_enabled = false
  tags                         = var.context.tags
}

resource "azurerm_monitor_action_group" "this" {
  name                = "${var.context.name}-alarms"
  resource_group_name = var.resource_group_name
  short_name          = substr(replace(var.context.name, "-", ""), 0, 12)
  tags                = var.context.tags

  dynamic "email_receiver" {
    for_each = var.alert_mail
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}
