variable "subscription_id" {
  description = "Azure subscription; Terraform works in no other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription_id))
    error_message = "subscription_id must be a GUID."
  }
}

variable "tenant_id" {
  description = "Entra tenant."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a GUID."
  }
}

variable "network" {
  description = "Range of the network; see modules/azure/network. `peer_cidrs` is the other cloud's range; `dns_resolver` answers its questions."
  type = object({
    cidr         = string
    peer_cidrs   = list(string)
    dns_resolver = optional(bool, false)
  })
  nullable = false
}

variable "connectivity" {
  description = <<-EOT
    Gateway for tunnels to the other cloud; null where another line exists.
    - `gateway_sku`: see modules/azure/connectivity.
    - `peer_tunnel_addresses`: output `vpn_tunnel_addresses` of the aws stack; empty at the first apply.
  EOT
  type = object({
    gateway_sku           = optional(string, "VpnGw1AZ")
    peer_tunnel_addresses = optional(list(string), [])
  })
  default = null
}

variable "preshared_keys" {
  description = "Pre-shared keys of the tunnels, in the order of `connectivity.peer_tunnel_addresses`. Pass as TF_VAR_preshared_keys."
  type        = list(string)
  nullable    = false
  default     = []
  sensitive   = true
}

variable "kubernetes" {
  description = "Version, administrators and the namespaces of CloudPhoenix and the application; see modules/azure/aks."
  type = object({
    version                = string
    admin_group_object_ids = list(string)
    cloudphoenix_namespace = optional(string, "cloudphoenix")
    application_namespace  = optional(string, "shop")
  })
  nullable = false
}

variable "database" {
  description = "Versions, name and administrators of the database; see modules/azure/postgresql."
  type = object({
    engine_version       = number
    peer_engine_version  = optional(number)
    name                 = optional(string, "app")
    admin_group_id       = string
    admin_group_name     = string
    geo_redundant_backup = optional(bool, false)
  })
  nullable = false
}

variable "database_password" {
  description = "Password of the database's administrator and a number raised whenever it changes. Pass as TF_VAR_database_password; it is not kept."
  type        = object({ value = string, version = number })
  nullable    = false
  sensitive   = true
}

variable "capacity" {
  description = <<-EOT
    Size in either posture. `standby` may be smaller where it can grow in minutes (nodes) and must not where it cannot (storage).
    - `nodes`: size, min, max; see modules/azure/aks.
    - `database`: sku and storage; see modules/azure/postgresql.
  EOT
  type = object({
    active = object({
      nodes    = object({ size = string, min = number, max = number, disk_gib = optional(number, 64) })
      database = object({ sku = string, storage_mib = number })
    })
    standby = object({
      nodes    = object({ size = string, min = number, max = number, disk_gib = optional(number, 64) })
      database = object({ sku = string, storage_mib = number })
    })
  })
  nullable = false

  validation {
    condition     = var.capacity.standby.nodes.max >= var.capacity.active.nodes.min
    error_message = "capacity.standby.nodes.max must be at least capacity.active.nodes.min: a standby that cannot grow to the full load is none."
  }

  validation {
    condition     = var.capacity.standby.database.storage_mib >= var.capacity.active.database.storage_mib
    error_message = "capacity.standby.database.storage_mib must be at least capacity.active.database.storage_mib: it receives every row."
  }

  validation {
    condition     = var.capacity.standby.nodes.min <= var.capacity.active.nodes.min
    error_message = "capacity.standby.nodes.min must not exceed capacity.active.nodes.min; the two are swapped."
  }
}

variable "registry_replica_regions" {
  description = "Regions that keep a copy of every image."
  type        = set(string)
  nullable    = false
  default     = []
}

variable "entry" {
  description = "Name users ask for."
  type        = object({ host = string })
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.entry.host))
    error_message = "entry.host must be a DNS name without a final dot, for instance shop.example.com."
  }
}

variable "traffic_manager" {
  description = "Traffic Manager as the switch; null if another DNS is. `peer` is the other site's id and fixed address."
  type = object({
    relative_name = string
    ttl_seconds   = optional(number, 30)
    peer          = object({ site = string, address = string })
  })
  default = null
}

variable "peer_oidc_issuer_url" {
  description = "Issuer of the other cluster's tokens (its stack's output `oidc_issuer_url`), so that the worker there can read and write the objects here without a key; null until that cluster exists."
  type        = string
  default     = null
}
