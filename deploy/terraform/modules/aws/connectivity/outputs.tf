output "tunnel_addresses" {
  description = "Outside addresses of the tunnels; the azure stack takes them as `connectivity.peer_tunnel_addresses`."
  value       = flatten([for connection in aws_vpn_connection.this : [connection.tunnel1_address, connection.tunnel2_address]])
}

output "preshared_key_secret_arns" {
  description = "Secrets Manager entries that hold the pre-shared keys; the other side's operator reads them from there."
  value       = [for connection in aws_vpn_connection.this : connection.preshared_key_arn]
}

output "connection_ids" {
  description = "VPN connections by peer; the alarms watch their tunnels."
  value       = { for peer, connection in aws_vpn_connection.this : peer => connection.id }
}
