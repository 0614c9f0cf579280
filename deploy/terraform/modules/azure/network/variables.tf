variable "cidr" {
  description = "Private IPv4 range of the virtual network, /16 to /20. It must not overlap the other cloud's: both are routed over one tunnel."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr must be an IPv4 network with its first address, for instance 10.40.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr must be a /16 to /20: subnets for nodes, databases, endpoints and gateways are cut from it."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "cidr must be private (RFC 1918), for instance 10.40.0.0/16."
  }
}

variable "peer_cidrs" {
  description = "Ranges on the other side of the tunnel (the other cloud's network)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for peer in var.peer_cidrs : can(cidrnetmask(peer))])
    error_message = "peer_cidrs must be IPv4 networks, for instance [\"10.20.0.0/16\"]."
  }

  # Two networks overlap exactly if they are the same after cutting both to the shorter prefix.
  validation {
    condition = alltrue([
      for peer in var.peer_cidrs : try(
        cidrsubnet("${split("/", peer)[0]}/${min(split("/", peer)[1], split("/", var.cidr)[1])}", 0, 0) !=
        cidrsubnet("${split("/", var.cidr)[0]}/${min(split("/", peer)[1], split("/", var.cidr)[1])}", 0, 0),
        true,
      )
    ])
    error_message = "peer_cidrs must not overlap cidr: packets for the other cloud would stay here. Give the clouds ranges such as 10.20.0.0/16 and 10.40.0.0/16."
  }
}

variable "private_zones" {
  description = "Private DNS zones by service; each is linked to the network, so names of private endpoints resolve here."
  type        = map(string)
  nullable    = false
  default = {
    blob     = "privatelink.blob.core.windows.net"
    queue    = "privatelink.queue.core.windows.net"
    vault    = "privatelink.vaultcore.azure.net"
    registry = "privatelink.azurecr.io"
  }

  validation {
    condition     = alltrue([for zone in values(var.private_zones) : startswith(zone, "privatelink.")])
    error_message = "private_zones must be privatelink zones, for instance privatelink.blob.core.windows.net."
  }
}

variable "dns_resolver" {
  description = "Answer the other cloud's questions for private names here (about 180 USD a month); needed when the database there subscribes to the one here."
  type        = bool
  nullable    = false
  default     = false
}
