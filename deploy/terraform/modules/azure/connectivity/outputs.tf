output "gateway_addresses" {
  description = "Public addresses of both gateway instances; the aws stack takes them as `connectivity.peer_gateway_addresses`."
  value       = [for address in azurerm_public_ip.this : address.ip_address]
}

output "gateway_id" {
  description = "The VPN gateway, for alarms."
  value       = azurerm_virtual_network_gateway.this.id
}
