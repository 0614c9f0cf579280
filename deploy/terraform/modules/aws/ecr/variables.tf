variable "prefix" {
  description = "First part of every repository's name."
  type        = string
  nullable    = false
  default     = "cloudphoenix"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*([-_.][a-z0-9]+)*$", var.prefix))
    error_message = "prefix must be lower-case letters and digits, for instance cloudphoenix."
  }
}

variable "repositories" {
  description = "One repository for each image; the names are the targets of deploy/containers/Dockerfile."
  type        = set(string)
  nullable    = false
  default     = ["agent", "controller", "fulfilment", "orders", "storefront", "worker"]

  validation {
    condition     = length(var.repositories) > 0 && alltrue([for name in var.repositories : can(regex("^[a-z][a-z0-9]*([-_.][a-z0-9]+)*$", name))])
    error_message = "repositories must be names of lower-case letters, digits and single separators, for instance orders."
  }
}

variable "key_arn" {
  description = "KMS key of the images."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key."
  }
}

variable "keep" {
  description = "How many images each repository keeps, and how many days one without a tag."
  type = object({
    images        = optional(number, 100)
    untagged_days = optional(number, 14)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.keep.images >= 10 && var.keep.images <= 1000
    error_message = "keep.images must be 10 to 1000: a standby may run a release that is several behind."
  }

  validation {
    condition     = var.keep.untagged_days >= 1 && var.keep.untagged_days <= 365
    error_message = "keep.untagged_days must be 1 to 365."
  }
}
