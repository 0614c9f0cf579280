output "vault_id" {
  description = "The vault."
  value       = azurerm_data_protection_backup_vault.this.id
}
