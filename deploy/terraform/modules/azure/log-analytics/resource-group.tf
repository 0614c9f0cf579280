variable "resource_group_name" {
  description = "Resource group everything here is in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._()-]{1,90}$", var.resource_group_name)) && !endswith(var.resource_group_name, ".")
    error_message = "resource_group_name must be 1 to 90 letters, digits or ._()- and not end in a dot."
  }
}
