variable "engine_version" {
  description = "Major version of PostgreSQL."
  type        = number
  nullable    = false

  validation {
    condition     = contains([15, 16, 17, 18], var.engine_version)
    error_message = "engine_version must be 15, 16, 17 or 18."
  }
}

variable "peer_engine_version" {
  description = "Major version at the other site; the same except during an upgrade, which goes one major at a time."
  type        = number
  default     = null

  validation {
    condition     = var.peer_engine_version == null ? true : abs(var.peer_engine_version - var.engine_version) <= 1
    error_message = "peer_engine_version must be the same major or one apart (during an upgrade): what applies there must apply here after fail-back."
  }
}

variable "instance" {
  description = <<-EOT
    Size of the server. A warm standby may run a smaller one, never less storage.
    - `sku`: tier and size, for instance `GP_Standard_D2ads_v5`; `B_` is burstable, `GP_` general purpose, `MO_` memory.
    - `storage_mib`: one of the sizes Azure sells, 32768 to 16777216.
  EOT
  type = object({
    sku         = string
    storage_mib = number
  })
  nullable = false

  validation {
    condition     = can(regex("^(B_Standard_B[0-9]+m?s(_v2)?|(GP|MO)_Standard_[DE][0-9]+(ads|ds|s|as)_v[3-6])$", var.instance.sku))
    error_message = "instance.sku must be a flexible server size, for instance B_Standard_B2ms or GP_Standard_D2ads_v5."
  }

  validation {
    condition     = var.context.environment != "production" || !startswith(var.instance.sku, "B_")
    error_message = "Production does not run on burstable servers: they have no zone-redundant standby, and out of credits they apply slower than the other side writes."
  }

  validation {
    condition     = contains([32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4193280, 8388608, 16777216], var.instance.storage_mib)
    error_message = "instance.storage_mib must be one of 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4193280, 8388608, 16777216."
  }
}

variable "network" {
  description = "Delegated subnet of the server and the private DNS zone of its name."
  type        = object({ subnet_id = string, private_zone_id = string })
  nullable    = false
}

variable "encryption" {
  description = "Key and identity, as modules/azure/key-vault gives them for `database`."
  type        = object({ key_id = string, identity_id = string })
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9-]+\\.vault\\.azure\\.net/keys/[^/]+$", var.encryption.key_id))
    error_message = "encryption.key_id must be a key's URL without version, so that rotation needs no change here."
  }
}

variable "administrator" {
  description = "Entra group that administers the server, and the tenant. The server has a password login beside it for replication only; its first password is write-only and never in the state."
  type = object({
    tenant_id  = string
    object_id  = string
    group_name = string
  })
  nullable = false

  validation {
    condition     = alltrue([for id in [var.administrator.tenant_id, var.administrator.object_id] : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "administrator.tenant_id and administrator.object_id must be GUIDs."
  }
}

variable "password" {
  description = "Password of the administrator login, and a number that is raised whenever it changes. Pass it as TF_VAR_…: it goes to the server and nowhere else."
  type        = object({ value = string, version = number })
  nullable    = false
  sensitive   = true

  validation {
    condition     = length(var.password.value) >= 24 && can(regex("[a-z]", var.password.value)) && can(regex("[A-Z0-9]", var.password.value))
    error_message = "password.value must be 24 characters or longer and mix lower case with upper case or digits."
  }
}

variable "logical_replication" {
  description = <<-EOT
    Limits of logical replication.
    - `max_slots`: slots and senders; each subscription needs one, and one more for each table while it is copied.
    - `slot_wal_keep_mib`: WAL a slot may hold back, at most a quarter of the storage.
  EOT
  type = object({
    max_slots         = optional(number, 20)
    slot_wal_keep_mib = optional(number, 8192)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.logical_replication.max_slots >= 10 && var.logical_replication.max_slots <= 100
    error_message = "logical_replication.max_slots must be 10 to 100."
  }

  validation {
    condition     = var.logical_replication.slot_wal_keep_mib >= 1024 && var.logical_replication.slot_wal_keep_mib <= var.instance.storage_mib / 4
    error_message = "logical_replication.slot_wal_keep_mib must be at least 1024 and at most a quarter of instance.storage_mib."
  }
}

variable "geo_redundant_backup" {
  description = "Keep backups in the paired region too. It can only be chosen when the server is made."
  type        = bool
  nullable    = false
  default     = false
}

variable "database_name" {
  description = "Database of the application."
  type        = string
  nullable    = false
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name)) && !contains(["postgres", "azure_maintenance", "azure_sys", "template0", "template1"], var.database_name)
    error_message = "database_name must be lower-case letters, digits and underscores and none of the server's own, for instance app."
  }
}

variable "log_workspace_id" {
  description = "Workspace of the server's logs and metrics."
  type        = string
  nullable    = false
}

variable "action_group_id" {
  description = "Group that is told when the server is in trouble."
  type        = string
  nullable    = false
}
