variable "account_id" {
  description = "AWS account of the secrets and their readers."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "key_arn" {
  description = "KMS key of the secrets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key."
  }
}

variable "secrets" {
  description = <<-EOT
    Secrets by name; values are written by people or rotation, never by Terraform.
    - `description`: what opens with it.
    - `rotation`: Lambda that changes it, and after how many days; null leaves it to people.
  EOT
  type = map(object({
    description = string
    rotation    = optional(object({ lambda_arn = string, days = number }))
  }))
  nullable = false

  validation {
    condition     = length(var.secrets) > 0 && alltrue([for name in keys(var.secrets) : can(regex("^[a-z][a-z0-9-]{1,40}$", name))])
    error_message = "secrets must have names of lower-case letters, digits and hyphens, for instance database-replicator."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : length(secret.description) >= 10])
    error_message = "secrets[*].description must say what opens with it."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : secret.rotation == null ? true : secret.rotation.days >= 1 && secret.rotation.days <= 365])
    error_message = "secrets[*].rotation.days must be 1 to 365."
  }
}
