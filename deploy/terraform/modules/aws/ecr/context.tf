# The same file stands in every module (the validation compares them byte by byte): each module takes
# the object that modules/settings computes, and refuses one that was made by hand and is not safe.
variable "context" {
  description = "Name, place, tags and protection, as `modules/settings` computes them."
  nullable    = false
  type = object({
    name        = string
    environment = string
    region      = string
    tags        = map(string)
    protection = object({
      deletion_protection   = bool
      multi_zone            = bool
      backup_retention_days = number
      log_retention_days    = number
    })
  })

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.context.name))
    error_message = "context.name must be 3 to 24 lower-case letters, digits or hyphens, for instance shop-prod."
  }

  validation {
    condition     = contains(["development", "staging", "production"], var.context.environment)
    error_message = "context.environment must be development, staging or production."
  }

  validation {
    condition = alltrue([
      for key in ["application", "environment", "owner", "cost-center", "data-classification", "managed-by"] :
      try(length(var.context.tags[key]) > 0, false)
    ])
    error_message = "context.tags must have application, environment, owner, cost-center, data-classification and managed-by; take the object from modules/settings."
  }

  validation {
    condition     = var.context.environment != "production" || (var.context.protection.deletion_protection && var.context.protection.multi_zone)
    error_message = "Production needs deletion protection and more than one zone."
  }

  validation {
    condition     = var.context.protection.backup_retention_days >= (var.context.environment == "production" ? 14 : 7) && var.context.protection.backup_retention_days <= 35
    error_message = "Backups are kept 7 to 35 days, in production at least 14: that is what both clouds' point-in-time restore offers."
  }

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 731], var.context.protection.log_retention_days) && (var.context.environment != "production" || var.context.protection.log_retention_days >= 90)
    error_message = "Logs are kept 30, 60, 90, 180, 365, 400 or 731 days, in production at least 90."
  }
}
