variable "unique_suffix" {
  description = "Four to six letters or digits that make global names unique."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{4,6}$", var.unique_suffix))
    error_message = "unique_suffix must be 4 to 6 lower-case letters or digits."
  }
}

variable "endpoint" {
  description = "Subnet of the private endpoint and the private DNS zone of its name."
  type        = object({ subnet_id = string, private_zone_id = string })
  nullable    = false
}

variable "encryption" {
  description = "Key and identity, as modules/azure/key-vault gives them for `registry`."
  type        = object({ key_id = string, identity_id = string, identity_client_id = string })
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9-]+\\.vault\\.azure\\.net/keys/[^/]+$", var.encryption.key_id))
    error_message = "encryption.key_id must be a key's URL without version, so that rotation needs no change here."
  }
}

variable "replica_regions" {
  description = "Regions that keep a copy of every image; without one, a lost region also loses the images to start elsewhere."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.replica_regions : can(regex("^[a-z]+[0-9]?$", region)) && region != var.context.region])
    error_message = "replica_regions must be Azure regions other than context.region, for instance northeurope."
  }
}

variable "reader_principal_ids" {
  description = "Identities that pull images (the cluster's kubelet), by name."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "log_workspace_id" {
  description = "Workspace of the audit log."
  type        = string
  nullable    = false
}
