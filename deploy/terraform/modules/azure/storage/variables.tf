variable "unique_suffix" {
  description = "Four to six letters or digits that make global names unique."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{4,6}$", var.unique_suffix))
    error_message = "unique_suffix must be 4 to 6 lower-case letters or digits."
  }
}

variable "containers" {
  description = "Private containers to make."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.containers) > 0 && alltrue([for name in var.containers : can(regex("^[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]$", name)) && !strcontains(name, "--")])
    error_message = "containers must be names of 3 to 63 lower-case letters, digits and single hyphens, for instance documents."
  }
}

variable "replication" {
  description = "`ZRS` survives a zone, `GZRS` and `RAGZRS` the region too (within Azure), `LRS` neither."
  type        = string
  nullable    = false
  default     = "ZRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GZRS", "RAGZRS"], var.replication)
    error_message = "replication must be LRS, ZRS, GZRS or RAGZRS."
  }

  validation {
    condition     = !(var.context.protection.multi_zone && var.replication == "LRS")
    error_message = "replication must survive a zone where context.protection.multi_zone is set: ZRS, GZRS or RAGZRS."
  }
}

variable "lifecycle_days" {
  description = "Days until blobs move to the cool tier, and until old versions go."
  type = object({
    cool         = optional(number, 90)
    old_versions = optional(number, 90)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.lifecycle_days.cool >= 30
    error_message = "lifecycle_days.cool must be at least 30: the cool tier bills that long."
  }

  validation {
    condition     = var.lifecycle_days.old_versions >= var.context.protection.backup_retention_days
    error_message = "lifecycle_days.old_versions must be at least context.protection.backup_retention_days: a blob must be as restorable as the row that names it."
  }
}

variable "events" {
  description = "Send created and deleted blobs to a queue, which hints replication to the other cloud."
  type        = bool
  nullable    = false
  default     = true
}

variable "endpoint" {
  description = "Subnet of the private endpoints and the private DNS zones of their names: of blobs, and of queues if there are events."
  type        = object({ subnet_id = string, private_zone_id = string, queue_zone_id = optional(string) })
  nullable    = false

  validation {
    condition     = !var.events || var.endpoint.queue_zone_id != null
    error_message = "endpoint.queue_zone_id must be given where there are events: their queue has no public way in."
  }
}

variable "encryption" {
  description = "Key and identity, as modules/azure/key-vault gives them for `storage`."
  type        = object({ key_id = string, identity_id = string })
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9-]+\\.vault\\.azure\\.net/keys/[^/]+$", var.encryption.key_id))
    error_message = "encryption.key_id must be a key's URL without version, so that rotation needs no change here."
  }
}
