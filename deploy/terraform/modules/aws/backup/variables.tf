variable "key_arn" {
  description = "KMS key of the vault; another than the data's own, so that losing one key does not lose both."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key."
  }
}

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

variable "copy_vault_arn" {
  description = "Vault in another region or account that gets a copy of every daily backup; null keeps none."
  type        = string
  default     = null

  validation {
    condition     = var.copy_vault_arn == null ? true : can(regex("^arn:aws[a-z-]*:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:", var.copy_vault_arn)) && !strcontains(var.copy_vault_arn, ":${var.context.region}:")
    error_message = "copy_vault_arn must be the ARN of a backup vault in another region than context.region."
  }
}

variable "lock_grace_days" {
  description = "Days in which the lock of a production vault can still be taken back. After that nobody, not even the account's root, shortens retention."
  type        = number
  nullable    = false
  default     = 7

  validation {
    condition     = var.lock_grace_days >= 3 && var.lock_grace_days <= 36500
    error_message = "lock_grace_days must be at least 3: the service asks for it."
  }
}
