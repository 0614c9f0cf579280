# Each subnet says who gets in, and refuses the rest of the virtual network, which Azure allows by default.
locals {
  rules = {
    node = {
      https    = { priority = 100, sources = ["Internet"], ports = ["443"], text = "Users, through the load balancer" }
      probes   = { priority = 110, sources = ["AzureLoadBalancer"], ports = ["*"], text = "Health probes of the load balancer" }
      internal = { priority = 120, sources = [local.subnets.node], ports = ["*"], text = "Nodes and pods among themselves" }
    }
    database = {
      nodes    = { priority = 100, sources = [local.subnets.node], ports = ["5432", "6432"], text = "PostgreSQL from pods" }
      replicas = { priority = 110, sources = [local.subnets.database], ports = ["5432"], text = "The server and its zone-redundant standby" }
      peer     = { priority = 120, sources = var.peer_cidrs, ports = ["5432"], text = "Replication through the tunnel" }
    }
    endpoint = {
      nodes = { priority = 100, sources = [local.subnets.node], ports = ["443"], text = "Private endpoints from pods" }
      peer  = { priority = 110, sources = var.peer_cidrs, ports = ["443"], text = "Object replication through the tunnel" }
    }
  }

  allowed = merge([for subnet, rules in local.rules : {
    for name, rule in rules : "${subnet} ${name}" => merge(rule, { subnet = subnet, name = name }) if length(rule.sources) > 0
  }]...)

  subnet_ids = { node = azurerm_subnet.node.id, database = azurerm_subnet.database.id, endpoint = azurerm_subnet.endpoint.id }
}

resource "azurerm_network_security_group" "this" {
  for_each = local.rules

  name                = "${var.context.name}-${each.key}"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

resource "azurerm_network_security_rule" "allow" {
  for_each = local.allowed

  name                        = each.value.name
  description                 = each.value.text
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.this[each.value.subnet].name
  priority                    = each.value.priority
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = each.value.ports == ["*"] ? "*" : "Tcp"
  source_port_range           = "*"
  source_address_prefix       = length(each.value.sources) == 1 ? each.value.sources[0] : null
  source_address_prefixes     = length(each.value.sources) > 1 ? each.value.sources : null
  destination_port_range      = length(each.value.ports) == 1 ? each.value.ports[0] : null
  destination_port_ranges     = length(each.value.ports) > 1 ? each.value.ports : null
  destination_address_prefix  = each.value.name == "https" ? "*" : local.subnets[each.value.subnet]
}

resource "azurerm_network_security_rule" "deny" {
  for_each = local.rules

  name                        = "deny-rest"
  description                 = "Everything not named above, the rest of the virtual network included"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.this[each.key].name
  priority                    = 4096
  direction                   = "Inbound"
  access                      = "Deny"
  protocol                    = "*"
  source_port_range           = "*"
  source_address_prefix       = "*"
  destination_port_range      = "*"
  destination_address_prefix  = "*"
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = local.rules

  subnet_id                 = local.subnet_ids[each.key]
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}
