variable "gateway_subnet_id" {
  description = "The subnet named GatewaySubnet."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.gateway_subnet_id, "/subnets/GatewaySubnet")
    error_message = "gateway_subnet_id must be the id of the subnet GatewaySubnet."
  }
}

variable "gateway_sku" {
  description = "Size of the VPN gateway: `VpnGw1AZ` carries 650 Mbit/s, `VpnGw2AZ` 1 Gbit/s, `VpnGw3AZ` 1.25 Gbit/s."
  type        = string
  nullable    = false
  default     = "VpnGw1AZ"

  validation {
    condition     = contains(["VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ"], var.gateway_sku)
    error_message = "gateway_sku must be VpnGw1AZ, VpnGw2AZ or VpnGw3AZ: sizes that survive a zone."
  }
}

variable "peer_cidrs" {
  description = "Ranges reached through the tunnels."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.peer_cidrs) > 0 && alltrue([for peer in var.peer_cidrs : can(cidrnetmask(peer))])
    error_message = "peer_cidrs must be IPv4 networks, for instance [\"10.20.0.0/16\"]."
  }
}

variable "peer_tunnel_addresses" {
  description = "Outside addresses of the other cloud's tunnels. Empty at the first apply: the gateway's own addresses must be known there first."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = length(var.peer_tunnel_addresses) <= 4 && alltrue([for address in var.peer_tunnel_addresses : can(cidrnetmask("${address}/32"))]) && length(distinct(var.peer_tunnel_addresses)) == length(var.peer_tunnel_addresses)
    error_message = "peer_tunnel_addresses must be up to four different IPv4 addresses: the output vpn_tunnel_addresses of the aws stack."
  }
}

variable "preshared_keys" {
  description = "Pre-shared key of each tunnel, in the order of `peer_tunnel_addresses`; AWS made them. Pass them as TF_VAR_…; azurerm keeps them in the state, which is encrypted with a key of its own."
  type        = list(string)
  nullable    = false
  default     = []
  sensitive   = true

  validation {
    condition     = length(var.preshared_keys) == length(var.peer_tunnel_addresses)
    error_message = "preshared_keys must have one key for each address in peer_tunnel_addresses."
  }

  validation {
    condition     = alltrue([for key in var.preshared_keys : length(key) >= 32])
    error_message = "preshared_keys must be 32 characters or longer."
  }
}
