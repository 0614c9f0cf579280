output "id" {
  description = "The storage account."
  value       = azurerm_storage_account.this.id
}

output "name" {
  description = "Name of the storage account."
  value       = azurerm_storage_account.this.name
}

output "blob_url" {
  description = "URL of its blobs; private."
  value       = azurerm_storage_account.this.primary_blob_endpoint
}

output "container_names" {
  description = "Containers made here."
  value       = sort(var.containers)
}
