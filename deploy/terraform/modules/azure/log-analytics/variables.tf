variable "daily_quota_gib" {
  description = "GiB a day after which ingestion stops; -1 never stops. A noisy loop must not become a bill, and a quota must not hide an attack: production has none below 5."
  type        = number
  nullable    = false
  default     = 10

  validation {
    condition     = var.daily_quota_gib == -1 || (var.daily_quota_gib >= 1 && var.daily_quota_gib <= 1000)
    error_message = "daily_quota_gib must be -1 or 1 to 1000."
  }

  validation {
    condition     = var.context.environment != "production" || var.daily_quota_gib == -1 || var.daily_quota_gib >= 5
    error_message = "Production needs a quota of 5 GiB a day at least."
  }
}

variable "alert_mail" {
  description = "Addresses that are told."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.alert_mail) > 0 && alltrue([for address in var.alert_mail : can(regex("^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$", address))])
    error_message = "alert_mail must be mail addresses, one at least."
  }
}
