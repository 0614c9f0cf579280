variable "subscription_id" {
  description = "Azure subscription; Terraform works in no other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription_id))
    error_message = "subscription_id must be a GUID."
  }
}

variable "tenant_id" {
  description = "Entra tenant."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a GUID."
  }
}

variable "state_principal_ids" {
  description = "Object ids that read and write the state (a group of people, the pipeline's identity), by name. Nobody else does."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.state_principal_ids) > 0 && alltrue([for id in values(var.state_principal_ids) : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "state_principal_ids must be GUIDs, one at least."
  }
}

variable "operator_cidrs" {
  description = "Public addresses Terraform runs from; the state answers no others."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.operator_cidrs) > 0 && alltrue([for cidr in var.operator_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 24 && tonumber(split("/", cidr)[1]) <= 30, false)])
    error_message = "operator_cidrs must be IPv4 networks from /24 to /30 (storage firewalls take single addresses without /32)."
  }
}

variable "activity_log" {
  description = "Send the subscription's activity log to a workspace made here. False where the organisation collects it."
  type        = bool
  nullable    = false
  default     = true
}
