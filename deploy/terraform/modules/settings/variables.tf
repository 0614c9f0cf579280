variable "application" {
  description = "What fails over together; the first half of every name. The same text as `application.name` in the CloudPhoenix configuration."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", var.application))
    error_message = "application must be 2 to 12 lower-case letters, digits or hyphens, for instance shop."
  }
}

variable "environment" {
  description = "Decides protection, retention and zones: `development`, `staging` or `production`."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["development", "staging", "production"], var.environment)
    error_message = "environment must be development, staging or production."
  }
}

variable "cloud" {
  description = "`aws` or `azure`; the first half of the site's identifier."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["aws", "azure"], var.cloud)
    error_message = "cloud must be aws or azure."
  }
}

variable "region" {
  description = "Region of the cloud, by its programmatic name (`eu-central-1`, `westeurope`). Only regions with three zones are accepted: a zone may fail without a failover."
  type        = string
  nullable    = false

  validation {
    condition     = contains(local.regions[var.cloud], var.region)
    error_message = "region must be a region of the cloud with three availability zones, for instance eu-central-1 (aws) or westeurope (azure); see modules/settings/regions.tf."
  }
}

variable "owner" {
  description = "Team that is paged and pays: a mail address, so that a bill or an alarm finds a reader."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$", var.owner))
    error_message = "owner must be a mail address, for instance payments@example.com."
  }
}

variable "cost_center" {
  description = "Cost allocation key; becomes the tag `cost-center`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{2,32}$", var.cost_center))
    error_message = "cost_center must be 2 to 32 letters, digits or hyphens, for instance CC-4711."
  }
}

variable "data_classification" {
  description = "Highest class of the data kept here: `public`, `internal`, `confidential` or `restricted`."
  type        = string
  nullable    = false
  default     = "confidential"

  validation {
    condition     = contains(["public", "internal", "confidential", "restricted"], var.data_classification)
    error_message = "data_classification must be public, internal, confidential or restricted."
  }
}

variable "extra_tags" {
  description = "Tags beside the required ones. They cannot replace a required one."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.extra_tags), ["application", "environment", "owner", "cost-center", "data-classification", "managed-by", "site"])) == 0
    error_message = "extra_tags must not contain a required tag (application, environment, owner, cost-center, data-classification, managed-by, site); set the variable of that name."
  }

  validation {
    condition     = alltrue([for key, value in var.extra_tags : can(regex("^[a-z][a-z0-9-]{0,62}$", key)) && length(value) <= 256])
    error_message = "Keys of extra_tags must be lower-case with hyphens, values at most 256 characters: the strictest of both clouds."
  }
}

variable "backup_retention_days" {
  description = "Days a point in time can be restored; null takes the environment's (7, 14, 35)."
  type        = number
  default     = null

  validation {
    condition     = var.backup_retention_days == null ? true : var.backup_retention_days >= (var.environment == "production" ? 14 : 7) && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be 7 to 35, in production at least 14."
  }
}

variable "log_retention_days" {
  description = "Days logs are kept; null takes the environment's (30, 90, 400)."
  type        = number
  default     = null

  validation {
    condition     = var.log_retention_days == null ? true : contains([30, 60, 90, 180, 365, 400, 731], var.log_retention_days) && (var.environment != "production" || var.log_retention_days >= 90)
    error_message = "log_retention_days must be 30, 60, 90, 180, 365, 400 or 731, in production at least 90."
  }
}
