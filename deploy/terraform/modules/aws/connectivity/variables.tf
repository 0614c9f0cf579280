variable "vpc_id" {
  description = "VPC the tunnels end in."
  type        = string
  nullable    = false
}

variable "route_table_ids" {
  description = "Route tables that learn the way to the other cloud, by a name known at plan time."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.route_table_ids) > 0
    error_message = "route_table_ids must name at least the database's table."
  }
}

variable "peer_gateway_addresses" {
  description = "Public addresses of the other cloud's VPN gateway. Two: each has two tunnels, so one gateway instance may be patched while data flows."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.peer_gateway_addresses) >= 1 && length(var.peer_gateway_addresses) <= 2 && alltrue([for address in var.peer_gateway_addresses : can(cidrnetmask("${address}/32"))])
    error_message = "peer_gateway_addresses must be one or two IPv4 addresses: the output vpn_gateway_addresses of the azure stack."
  }

  validation {
    condition     = var.context.environment != "production" || length(distinct(var.peer_gateway_addresses)) == 2
    error_message = "Production needs two different peer gateway addresses."
  }

  validation {
    condition     = alltrue([for address in var.peer_gateway_addresses : !can(regex("^(10\\.|127\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", address))])
    error_message = "peer_gateway_addresses must be public addresses."
  }
}

variable "peer_cidrs" {
  description = "Ranges reached through the tunnels."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.peer_cidrs) > 0 && alltrue([for peer in var.peer_cidrs : can(cidrnetmask(peer))])
    error_message = "peer_cidrs must be IPv4 networks, for instance [\"10.40.0.0/16\"]."
  }
}

variable "log_key_arn" {
  description = "KMS key of the tunnel logs."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.log_key_arn))
    error_message = "log_key_arn must be the ARN of a KMS key."
  }
}

variable "peer_dns" {
  description = <<-EOT
    Names that only the other cloud resolves, needed when the database here subscribes to the one there (fail-back).
    - `domains`: private zones of the other cloud, for instance `shop-prod.postgres.database.azure.com`.
    - `resolver_addresses`: its inbound DNS resolver. Null costs nothing and resolves nothing; an endpoint is about 180 USD a month.
  EOT
  type = object({
    domains            = set(string)
    resolver_addresses = list(string)
    subnet_ids         = list(string)
  })
  default = null

  validation {
    condition = var.peer_dns == null ? true : (
      length(var.peer_dns.domains) > 0 && length(var.peer_dns.resolver_addresses) > 0 && length(var.peer_dns.subnet_ids) >= 2 &&
      alltrue([for address in var.peer_dns.resolver_addresses : can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", address))])
    )
    error_message = "peer_dns must name domains, private resolver addresses on the other side, and two subnets here."
  }
}
