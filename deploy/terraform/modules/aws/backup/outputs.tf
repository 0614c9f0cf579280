output "vault_arn" {
  description = "The vault."
  value       = aws_backup_vault.this.arn
}

output "vault_name" {
  description = "Name of the vault."
  value       = aws_backup_vault.this.name
}
