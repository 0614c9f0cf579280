# IPsec to the other cloud: the proposals match modules/aws/connectivity exactly. Two gateway instances are
# active; each of the other side's tunnels is a connection of its own.
locals {
  tunnels = { for index, address in var.peer_tunnel_addresses : tostring(index + 1) => { address = address, index = index } }
}

resource "azurerm_public_ip" "this" {
  for_each = toset(["1", "2"])

  name                = "${var.context.name}-vpn-${each.key}"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
  tags                = var.context.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "azurerm_virtual_network_gateway" "this" {
  name                = "${var.context.name}-vpn"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  type                = "Vpn"
  vpn_type            = "RouteBased"
  sku                 = var.gateway_sku
  active_active       = true
  tags                = var.context.tags

  dynamic "ip_configuration" {
    for_each = azurerm_public_ip.this
    content {
      name                 = "instance-${ip_configuration.key}"
      public_ip_address_id = ip_configuration.value.id
      subnet_id            = var.gateway_subnet_id
    }
  }
}

resource "azurerm_local_network_gateway" "this" {
  for_each = local.tunnels

  name                = "${var.context.name}-peer-${each.key}"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  gateway_address     = each.value.address
  address_space       = var.peer_cidrs
  tags                = var.context.tags
}

resource "azurerm_virtual_network_gateway_connection" "this" {
  for_each = local.tunnels

  name                       = "${var.context.name}-peer-${each.key}"
  location                   = var.context.region
  resource_group_name        = var.resource_group_name
  type                       = "IPsec"
  connection_protocol        = "IKEv2"
  connection_mode            = "ResponderOnly"
  virtual_network_gateway_id = azurerm_virtual_network_gateway.this.id
  local_network_gateway_id   = azurerm_local_network_gateway.this[each.key].id
  shared_key                 = var.preshared_keys[each.value.index]
  dpd_timeout_seconds        = 30
  tags                       = var.context.tags

  ipsec_policy {
    dh_group         = "ECP384"
    ike_encryption   = "GCMAES256"
    ike_integrity    = "SHA384"
    ipsec_encryption = "GCMAES256"
    ipsec_integrity  = "GCMAES256"
    pfs_group        = "ECP384"
    sa_lifetime      = 3600
  }
}
