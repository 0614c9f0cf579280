output "address" {
  description = "Host name of the server; private."
  value       = azurerm_postgresql_flexible_server.this.fqdn
}

output "database_name" {
  description = "Database of the application."
  value       = var.database_name
}

output "id" {
  description = "The server, for backups."
  value       = azurerm_postgresql_flexible_server.this.id
}

output "admin_username" {
  description = "Role that owns the database."
  value       = azurerm_postgresql_flexible_server.this.administrator_login
}
