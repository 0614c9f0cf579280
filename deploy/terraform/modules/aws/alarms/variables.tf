variable "alert_endpoints" {
  description = "HTTPS endpoints that are told (a pager's integration URL must come as a secret: subscribe it by hand), and mail addresses."
  type = object({
    mail  = optional(set(string), [])
    https = optional(set(string), [])
  })
  nullable = false

  validation {
    condition     = length(var.alert_endpoints.mail) + length(var.alert_endpoints.https) > 0
    error_message = "alert_endpoints must name someone; an alarm nobody hears is none."
  }

  validation {
    condition     = alltrue([for address in var.alert_endpoints.mail : can(regex("^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$", address))]) && alltrue([for url in var.alert_endpoints.https : startswith(url, "https://")])
    error_message = "alert_endpoints.mail must be mail addresses, alert_endpoints.https must begin with https://."
  }
}

variable "key_arn" {
  description = "KMS key of the topic; CloudWatch must be allowed to use it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key."
  }
}

variable "database" {
  description = "The database, and what of it is too much."
  type = object({
    identifier           = string
    storage_gib          = number
    connections          = optional(number, 400)
    slot_lag_mib         = optional(number, 1024)
    cpu_percent          = optional(number, 80)
    storage_free_percent = optional(number, 20)
  })
  nullable = false

  validation {
    condition     = var.database.cpu_percent > 0 && var.database.cpu_percent <= 100 && var.database.storage_free_percent > 0 && var.database.storage_free_percent <= 50
    error_message = "database.cpu_percent must be 1 to 100, database.storage_free_percent 1 to 50."
  }

  validation {
    condition     = var.database.slot_lag_mib >= 16 && var.database.connections >= 1
    error_message = "database.slot_lag_mib must be at least 16, database.connections at least 1."
  }
}

variable "entry" {
  description = "Load balancer and target group by their CloudWatch names."
  type = object({
    load_balancer = string
    target_group  = string
    p99_seconds   = optional(number, 1)
  })
  nullable = false

  validation {
    condition     = var.entry.p99_seconds > 0 && var.entry.p99_seconds <= 30
    error_message = "entry.p99_seconds must be above 0 and at most 30."
  }
}

variable "dead_letter_queue_names" {
  description = "Queues in which one message is one too many, by a name known at plan time."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "vpn_connection_ids" {
  description = "Tunnels to the other cloud, by peer."
  type        = map(string)
  nullable    = false
  default     = {}
}
