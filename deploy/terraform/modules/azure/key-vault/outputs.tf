output "vault_id" {
  description = "The vault."
  value       = azurerm_key_vault.this.id
}

output "vault_name" {
  description = "Name of the vault."
  value       = azurerm_key_vault.this.name
}

output "vault_url" {
  description = "URL of the vault, as External Secrets takes it."
  value       = azurerm_key_vault.this.vault_uri
}

output "encryption" {
  description = "By purpose: the key (rotates by itself, hence without version) and the identity that may use it."
  value = { for purpose in var.purposes : purpose => {
    key_id             = azurerm_key_vault_key.this[purpose].versionless_id
    identity_id        = azurerm_user_assigned_identity.key[purpose].id
    identity_client_id = azurerm_user_assigned_identity.key[purpose].client_id
  } }

  # Whoever encrypts with the key needs the grant, not only the key.
  depends_on = [azurerm_role_assignment.key]
}
