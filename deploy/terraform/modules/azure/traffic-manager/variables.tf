variable "relative_name" {
  description = "First label of the profile's name under trafficmanager.net, unique in the world; the application's name is a CNAME to it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.relative_name))
    error_message = "relative_name must be 3 to 63 lower-case letters, digits or hyphens, for instance shop-prod."
  }
}

variable "ttl_seconds" {
  description = "Seconds a resolver may keep the answer. It is part of every recovery time."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.ttl_seconds >= 5 && var.ttl_seconds <= 60
    error_message = "ttl_seconds must be 5 to 60: with more, users wait for resolvers after a failover."
  }
}

variable "host" {
  description = "Name users ask for; sent as Host header by the health checks."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.host))
    error_message = "host must be a DNS name without a final dot, for instance shop.example.com."
  }
}

variable "sites" {
  description = <<-EOT
    Where users can go, by site id.
    - `target`: fixed public address or name of the site's entry.
    - `priority`: 1 is asked first.
  EOT
  type = map(object({
    target   = string
    priority = number
  }))
  nullable = false

  validation {
    condition     = length(var.sites) >= 2
    error_message = "sites must be two at least; with one there is nowhere to go."
  }

  validation {
    condition     = length(distinct([for site in values(var.sites) : site.priority])) == length(var.sites) && alltrue([for site in values(var.sites) : site.priority >= 1 && site.priority <= 1000])
    error_message = "sites[*].priority must be different numbers from 1 to 1000."
  }

  validation {
    condition     = length(distinct([for site in values(var.sites) : site.target])) == length(var.sites)
    error_message = "sites must have different targets: failing over would change nothing."
  }
}

variable "active_site" {
  description = "The site that is enabled at first. CloudPhoenix enables the other one after promotion and disables this one; health alone moves nobody, because a site may look dead while it still writes."
  type        = string
  nullable    = false

  validation {
    condition     = contains(keys(var.sites), var.active_site)
    error_message = "active_site must be one of sites."
  }
}

variable "log_workspace_id" {
  description = "Workspace of the health checks' log."
  type        = string
  nullable    = false
}
