output "workspace_id" {
  description = "Workspace diagnostics go to."
  value       = azurerm_log_analytics_workspace.this.id
}

output "action_group_id" {
  description = "Group alerts go to."
  value       = azurerm_monitor_action_group.this.id
}
