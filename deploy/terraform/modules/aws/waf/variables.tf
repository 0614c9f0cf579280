variable "load_balancer_arn" {
  description = "Application load balancer the rules stand in front of."
  type        = string
  nullable    = false
}

variable "requests_per_five_minutes" {
  description = "Requests one address may make in five minutes before it is blocked."
  type        = number
  nullable    = false
  default     = 2000

  validation {
    condition     = var.requests_per_five_minutes >= 10 && var.requests_per_five_minutes <= 1000000
    error_message = "requests_per_five_minutes must be 10 to 1000000."
  }
}

variable "count_only" {
  description = "Managed rule groups that only count, by name: how a group is tried before it blocks. None in production."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = length(setsubtract(var.count_only, ["common", "bad-inputs", "sql", "reputation"])) == 0
    error_message = "count_only must be of common, bad-inputs, sql and reputation."
  }

  validation {
    condition     = var.context.environment != "production" || length(var.count_only) == 0
    error_message = "Production blocks: try rule groups in staging."
  }
}

variable "log_key_arn" {
  description = "KMS key of the log."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.log_key_arn))
    error_message = "log_key_arn must be the ARN of a KMS key."
  }
}
