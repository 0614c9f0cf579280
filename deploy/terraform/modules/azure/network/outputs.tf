output "virtual_network_id" {
  description = "The virtual network."
  value       = azurerm_virtual_network.this.id
}

output "cidr" {
  description = "Range of the network; the other cloud's `peer_cidrs`."
  value       = var.cidr
}

output "subnet_ids" {
  description = "Subnets by use: node, database, endpoint, gateway."
  value       = merge(local.subnet_ids, { gateway = azurerm_subnet.gateway.id })
}

output "private_zone_ids" {
  description = "Private DNS zones by service, `postgresql` among them."
  value       = { for service, zone in azurerm_private_dns_zone.this : service => zone.id }
}

output "postgresql_domains" {
  description = "Names the other cloud forwards to `resolver_address`: the server's public name and the private zone behind it."
  value       = ["${var.context.name}.postgres.database.azure.com", local.postgres_zone]
}

output "resolver_address" {
  description = "Address that answers the other cloud's DNS questions; null without a resolver."
  value       = var.dns_resolver ? cidrhost(local.subnets.resolver, 4) : null
}
