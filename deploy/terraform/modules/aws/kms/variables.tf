variable "account_id" {
  description = "AWS account that owns the keys; its IAM policies decide who uses them."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "purposes" {
  description = "One key for each purpose, so that access to one kind of data gives none to another."
  type        = set(string)
  nullable    = false
  default     = ["backup", "cluster", "database", "logs", "secrets", "storage"]

  validation {
    condition     = length(var.purposes) > 0 && length(setsubtract(var.purposes, ["backup", "cluster", "database", "logs", "secrets", "storage"])) == 0
    error_message = "purposes must be of backup, cluster, database, logs, secrets and storage."
  }
}

variable "deletion_window_days" {
  description = "Days between asking for the end of a key and its end; data without its key is lost."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "deletion_window_days must be 7 to 30."
  }

  validation {
    condition     = var.context.environment != "production" || var.deletion_window_days == 30
    error_message = "Production keys wait 30 days before they are gone."
  }
}
