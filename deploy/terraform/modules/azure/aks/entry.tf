# The fixed address users come in at. It is not the cluster's: the ingress controller's service names it, so a
# rebuilt cluster takes the same address again.
resource "azurerm_public_ip" "entry" {
  name                = "${var.context.name}-entry"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
  tags                = var.context.tags
}

resource "azurerm_management_lock" "entry" {
  count = var.context.protection.deletion_protection ? 1 : 0

  name       = "keep"
  scope      = azurerm_public_ip.entry.id
  lock_level = "CanNotDelete"
  notes      = "DNS points here."
}
