variable "zone_name" {
  description = "Public zone of the application's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.zone_name))
    error_message = "zone_name must be a DNS name without a final dot, for instance example.com."
  }
}

variable "create_zone" {
  description = "Make the zone; false uses one of that name that exists in this account."
  type        = bool
  nullable    = false
  default     = true
}

variable "record_name" {
  description = "Name clients resolve; inside the zone."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.record_name, ".${var.zone_name}")
    error_message = "record_name must be inside zone_name, for instance shop.example.com."
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

variable "sites" {
  description = <<-EOT
    Where users can go: `primary` is served until the switch is thrown, `secondary` after.
    - `addresses`: fixed public addresses of the site's entry.
    - `health_host`, `health_path`: what the health checks ask, over HTTPS.
  EOT
  type = map(object({
    addresses   = list(string)
    health_host = string
    health_path = optional(string, "/live")
  }))
  nullable = false

  validation {
    condition     = toset(keys(var.sites)) == toset(["primary", "secondary"])
    error_message = "sites must have exactly primary and secondary."
  }

  validation {
    condition     = alltrue(flatten([for site in values(var.sites) : [length(site.addresses) > 0, [for address in site.addresses : can(cidrnetmask("${address}/32"))]]]))
    error_message = "sites[*].addresses must be IPv4 addresses, one at least."
  }

  validation {
    condition     = length(setintersection(try(var.sites.primary.addresses, []), try(var.sites.secondary.addresses, []))) == 0
    error_message = "sites.primary and sites.secondary must not share an address: failing over would change nothing."
  }

  validation {
    condition     = alltrue([for site in values(var.sites) : startswith(site.health_path, "/")])
    error_message = "sites[*].health_path must begin with /."
  }
}

variable "switch_url" {
  description = <<-EOT
    HTTPS URL in the secondary's cloud. While it answers 2xx, users go to the secondary. Throwing the switch is making one
    object in the surviving cloud: no DNS API is called, and a dead primary cannot prevent it.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+/.+$", var.switch_url))
    error_message = "switch_url must be an HTTPS URL with a path, for instance https://shopswitch.blob.core.windows.net/switch/secondary."
  }
}
