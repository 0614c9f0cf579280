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

output "event_queue_url" {
  description = "Queue with created and deleted blobs, reached from the network only; null without events."
  value       = var.events ? "https://${azurerm_storage_account.this.name}.queue.core.windows.net/${azurerm_storage_queue.events[0].name}" : null
}

output "container_names" {
  description = "Containers made here."
  value       = sort(var.containers)
}
