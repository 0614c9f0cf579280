variable "account_id" {
  description = "AWS account; part of the bucket's name, which is unique in the world."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "purpose" {
  description = "What is kept; the end of the bucket's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.purpose))
    error_message = "purpose must be 3 to 20 lower-case letters, digits or hyphens, for instance documents."
  }
}

variable "key_arn" {
  description = "KMS key of objects and events."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key."
  }
}

variable "lifecycle_days" {
  description = "Days until objects move to infrequent access, until old versions go, and until unfinished uploads go."
  type = object({
    infrequent_access = optional(number, 90)
    old_versions      = optional(number, 90)
    unfinished        = optional(number, 7)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.lifecycle_days.infrequent_access >= 30 && var.lifecycle_days.unfinished >= 1 && var.lifecycle_days.unfinished <= 30
    error_message = "lifecycle_days.infrequent_access must be at least 30 (the service's own minimum), unfinished 1 to 30."
  }

  validation {
    condition     = var.lifecycle_days.old_versions >= var.context.protection.backup_retention_days
    error_message = "lifecycle_days.old_versions must be at least context.protection.backup_retention_days: an object must be as restorable as the row that names it."
  }
}

variable "events" {
  description = "Send created and removed objects to a queue, which feeds replication to the other cloud."
  type        = bool
  nullable    = false
  default     = true
}

variable "force_destroy" {
  description = "Delete the bucket with all it holds when the stack is destroyed."
  type        = bool
  nullable    = false
  default     = false

  validation {
    condition     = !(var.force_destroy && var.context.protection.deletion_protection)
    error_message = "force_destroy is not possible where deletion protection is on."
  }
}
