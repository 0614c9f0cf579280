output "name" {
  description = "Name the application's CNAME points to."
  value       = azurerm_traffic_manager_profile.this.fqdn
}

output "profile_id" {
  description = "The profile."
  value       = azurerm_traffic_manager_profile.this.id
}
