variable "tenant_id" {
  description = "Entra tenant that knows the readers."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a GUID."
  }
}

variable "unique_suffix" {
  description = "Four to six letters or digits that make global names unique; the stack derives them from the subscription."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{4,6}$", var.unique_suffix))
    error_message = "unique_suffix must be 4 to 6 lower-case letters or digits."
  }
}

variable "purposes" {
  description = "One key for each purpose, with an identity that may use it and nothing else."
  type        = set(string)
  nullable    = false
  default     = ["database", "storage", "registry"]

  validation {
    condition     = length(setsubtract(var.purposes, ["database", "storage", "registry"])) == 0
    error_message = "purposes must be of database, storage and registry."
  }
}

variable "endpoint" {
  description = "Subnet of the private endpoint and the private DNS zone of its name."
  type        = object({ subnet_id = string, private_zone_id = string })
  nullable    = false
}

variable "operator_cidrs" {
  description = "Addresses of the runner that applies this stack, if it stands outside the network. Empty closes the vault to the internet."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for cidr in var.operator_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 24, false)])
    error_message = "operator_cidrs must be IPv4 networks of /24 or narrower."
  }

  validation {
    condition     = var.context.environment != "production" || length(var.operator_cidrs) == 0
    error_message = "Production is applied from inside the network."
  }
}

variable "secret_readers" {
  description = "Object ids of identities that may read secrets (External Secrets), by name."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "log_workspace_id" {
  description = "Workspace of the audit log."
  type        = string
  nullable    = false
}
