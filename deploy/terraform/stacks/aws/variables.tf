variable "account_id" {
  description = "AWS account; Terraform refuses to work in any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "network" {
  description = "Range, zones and gateways; see modules/aws/network. `peer_cidrs` is the other cloud's range."
  type = object({
    cidr                = string
    peer_cidrs          = list(string)
    availability_zones  = list(string)
    nat_gateways        = optional(string, "per-zone")
    interface_endpoints = optional(set(string))
  })
  nullable = false
}

variable "connectivity" {
  description = <<-EOT
    Tunnels to the other cloud; null for the first apply, when the other gateway has no address yet, or where another line exists.
    - `peer_gateway_addresses`: output `vpn_gateway_addresses` of the azure stack.
    - `peer_dns`: its `postgresql_domains` and `resolver_address`, needed for fail-back.
  EOT
  type = object({
    peer_gateway_addresses = list(string)
    peer_dns = optional(object({
      domains            = set(string)
      resolver_addresses = list(string)
    }))
  })
  default = null
}

variable "kubernetes" {
  description = "Version, administrators and the namespaces of CloudPhoenix and the application; see modules/aws/eks."
  type = object({
    version                = string
    admin_role_arns        = optional(map(string), {})
    public_access_cidrs    = optional(list(string), [])
    cloudphoenix_namespace = optional(string, "cloudphoenix")
    application_namespace  = optional(string, "shop")
  })
  nullable = false
}

variable "database" {
  description = "Versions and name of the database; see modules/aws/rds."
  type = object({
    engine_version      = number
    peer_engine_version = optional(number)
    name                = optional(string, "app")
  })
  nullable = false
}

variable "capacity" {
  description = <<-EOT
    Size in either posture. `standby` may be smaller where it can grow in minutes (nodes) and must not where it cannot (storage).
    - `nodes`: instance types, min, desired, max; see modules/aws/eks.
    - `database`: class, storage and its end; see modules/aws/rds.
  EOT
  type = object({
    active = object({
      nodes    = object({ instance_types = list(string), min = number, desired = number, max = number, disk_gib = optional(number, 50) })
      database = object({ class = string, storage_gib = number, max_storage_gib = number })
    })
    standby = object({
      nodes    = object({ instance_types = list(string), min = number, desired = number, max = number, disk_gib = optional(number, 50) })
      database = object({ class = string, storage_gib = number, max_storage_gib = number })
    })
  })
  nullable = false

  validation {
    condition     = var.capacity.standby.nodes.max >= var.capacity.active.nodes.desired
    error_message = "capacity.standby.nodes.max must be at least capacity.active.nodes.desired: a standby that cannot grow to the full load is none."
  }

  validation {
    condition     = var.capacity.standby.database.max_storage_gib >= var.capacity.active.database.storage_gib
    error_message = "capacity.standby.database.max_storage_gib must be at least capacity.active.database.storage_gib: it receives every row."
  }

  validation {
    condition     = var.capacity.standby.nodes.desired <= var.capacity.active.nodes.desired
    error_message = "capacity.standby.nodes.desired must not exceed capacity.active.nodes.desired; the two are swapped."
  }
}

variable "entry" {
  description = "Name, certificate, access logs, other hosts (`{ storefront = \"www.shop.example.com\" }`) and public paths of the public entry; see modules/aws/alb."
  type = object({
    host                      = string
    certificate_arn           = string
    access_log_bucket         = optional(string)
    hosts                     = optional(map(string), {})
    public_paths              = optional(map(list(string)))
    requests_per_five_minutes = optional(number, 2000)
  })
  nullable = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.entry.host))
    error_message = "entry.host must be a DNS name without a final dot, for instance shop.example.com."
  }
}

variable "dns" {
  description = "Route 53 as the switch; null if another DNS is. See modules/aws/route53; this site is the primary."
  type = object({
    zone_name           = string
    create_zone         = optional(bool, true)
    ttl_seconds         = optional(number, 30)
    secondary_addresses = list(string)
    switch_url          = string
  })
  default = null
}

variable "backup_copy_vault_arn" {
  description = "Vault in another region that gets a copy of every backup; null keeps none."
  type        = string
  default     = null
}

variable "peer_oidc_issuer_url" {
  description = "Issuer of the other cluster's tokens (its stack's output `oidc_issuer_url`), so that the worker there can read and write the objects here without a key; null until that cluster exists."
  type        = string
  default     = null
}
