variable "account_id" {
  description = "AWS account; Terraform refuses to work in any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "state_role_arns" {
  description = "Roles that read and write the state (people's and the pipeline's). The state holds every name and some keys: nobody else reads it."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.state_role_arns) > 0 && alltrue([for arn in var.state_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*]+$", arn))])
    error_message = "state_role_arns must be ARNs of IAM roles without wildcards, one at least."
  }
}

variable "trail" {
  description = "Make a CloudTrail of the account. False where the organisation has one: two cost twice and say the same."
  type        = bool
  nullable    = false
  default     = true
}

variable "trail_retention_days" {
  description = "Days the trail is kept."
  type        = number
  nullable    = false
  default     = 400

  validation {
    condition     = var.trail_retention_days >= 90 && var.trail_retention_days <= 3650
    error_message = "trail_retention_days must be 90 to 3650."
  }
}
