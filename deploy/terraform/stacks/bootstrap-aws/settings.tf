# Who, what, where. Rules of these stand in modules/settings, once.
variable "application" {
  description = "What fails over together; the first half of every name."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "`development`, `staging` or `production`."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the state."
  type        = string
  nullable    = false
}

variable "owner" {
  description = "Mail address of the team that is paged and pays."
  type        = string
  nullable    = false
}

variable "cost_center" {
  description = "Cost allocation key."
  type        = string
  nullable    = false
}
