variable "monthly_retention_days" {
  description = "Days a monthly backup is kept; daily ones follow context.protection.backup_retention_days."
  type        = number
  nullable    = false
  default     = 365

  validation {
    condition     = var.monthly_retention_days >= 90 && var.monthly_retention_days <= 2555
    error_message = "monthly_retention_days must be 90 to 2555 (seven years)."
  }
}

variable "redundancy" {
  description = "Copies of the vault: `ZoneRedundant` or `GeoRedundant`. It can only be chosen when the vault is made."
  type        = string
  nullable    = false
  default     = "ZoneRedundant"

  validation {
    condition     = contains(["LocallyRedundant", "ZoneRedundant", "GeoRedundant"], var.redundancy)
    error_message = "redundancy must be LocallyRedundant, ZoneRedundant or GeoRedundant."
  }

  validation {
    condition     = var.context.environment != "production" || var.redundancy != "LocallyRedundant"
    error_message = "Production backups survive a zone at least."
  }
}

variable "postgresql_server_id" {
  description = "Database server to back up."
  type        = string
  nullable    = false
}

variable "storage" {
  description = "Storage account and containers to back up."
  type        = object({ account_id = string, containers = list(string) })
  nullable    = false

  validation {
    condition     = length(var.storage.containers) > 0 && length(var.storage.containers) <= 100
    error_message = "storage.containers must be 1 to 100 containers."
  }
}

variable "resource_group_id" {
  description = "Resource group the vault reads in."
  type        = string
  nullable    = false
}
