# Who, what, where. Rules of these stand in modules/settings, once.
variable "application" {
  description = "What fails over together; the first half of every name."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "`development`, `staging` or `production`; decides protection, retention and zones."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region with three zones."
  type        = string
  nullable    = false
}

variable "owner" {
  description = "Mail address of the team that is paged and pays."
  type        = string
  nullable    = false
}

variable "cost_center" {
  description = "Cost allocation key."
  type        = string
  nullable    = false
}

variable "data_classification" {
  description = "Highest class of the data kept here."
  type        = string
  nullable    = false
  default     = "confidential"
}

variable "extra_tags" {
  description = "Tags beside the required ones."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "posture" {
  description = "`active` runs at full size; `warm-standby` takes `capacity.standby`, follows the other site and grows at failover."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["active", "warm-standby"], var.posture)
    error_message = "posture must be active or warm-standby."
  }
}

variable "alert_mail" {
  description = "Addresses that are told of alarms."
  type        = set(string)
  nullable    = false
}

variable "cloudphoenix" {
  description = <<-EOT
    What the CloudPhoenix configuration needs and no resource knows.
    - `entry_url`: base URL at which the controller reaches this site's entry, whichever site users are sent to, for instance `https://aws.shop.example.com`.
    - `provider_url`: base URL of the site's provider API, reachable by the controller.
    - `agent_url`: base URL of the agent here as the other site reaches it, for instance `http://agent.internal.example.com:8081`.
    - `application_role`: database role of the application, whose writes are fenced.
    - `traffic`: the DNS update that switches users, if one of this stack's does not: server, zone, name, TTL in seconds, TSIG key name.
  EOT
  type = object({
    entry_url        = string
    provider_url     = string
    agent_url        = string
    application_role = optional(string, "app")
    traffic = optional(object({
      server      = string
      zone        = string
      name        = string
      ttl_seconds = optional(number, 30)
      tsig_name   = optional(string, "cloudphoenix")
    }))
  })
  nullable = false

  validation {
    condition     = startswith(var.cloudphoenix.entry_url, "https://") && trimsuffix(var.cloudphoenix.entry_url, "/") != "https://${var.entry.host}"
    error_message = "cloudphoenix.entry_url must begin with https:// and name this site: entry.host leads to whichever site is active."
  }

  validation {
    condition     = startswith(var.cloudphoenix.provider_url, "https://")
    error_message = "cloudphoenix.provider_url must begin with https://."
  }

  validation {
    condition     = can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", var.cloudphoenix.agent_url))
    error_message = "cloudphoenix.agent_url must be a URL without a path, for instance http://agent.internal.example.com:8081."
  }

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.cloudphoenix.application_role)) && !contains(["postgres", "cloudphoenix", "cloudphoenix_admin", "replicator"], var.cloudphoenix.application_role)
    error_message = "cloudphoenix.application_role must be a role of the application's own: fencing takes its writes away."
  }

  validation {
    condition     = var.cloudphoenix.traffic == null ? true : can(regex("^.+:[0-9]+$", var.cloudphoenix.traffic.server)) && (var.cloudphoenix.traffic.name == var.cloudphoenix.traffic.zone || endswith(var.cloudphoenix.traffic.name, ".${var.cloudphoenix.traffic.zone}"))
    error_message = "cloudphoenix.traffic.server must be host:port, and its name must be inside its zone."
  }

  validation {
    condition     = var.cloudphoenix.traffic == null ? true : var.cloudphoenix.traffic.ttl_seconds >= 1 && var.cloudphoenix.traffic.ttl_seconds <= 60
    error_message = "cloudphoenix.traffic.ttl_seconds must be 1 to 60: users wait that long after a switch."
  }
}
