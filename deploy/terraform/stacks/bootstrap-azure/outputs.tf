output "backend" {
  description = "Write this into stacks/azure/backend.hcl."
  value = {
    resource_group_name  = azurerm_resource_group.this.name
    storage_account_name = local.account_name
    container_name       = azurerm_storage_container.state.name
  }
}
