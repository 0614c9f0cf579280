variable "subnet_group_name" {
  description = "Subnets without a way to the internet."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "VPC of the database."
  type        = string
  nullable    = false
}

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
  description = "Major version at the other site. Replication runs both ways over time (failover, then fail-back), so they are the same except during an upgrade, which goes one major at a time."
  type        = number
  default     = null

  validation {
    condition     = var.peer_engine_version == null ? true : abs(var.peer_engine_version - var.engine_version) <= 1
    error_message = "peer_engine_version must be the same major or one apart (during an upgrade): what applies there must apply here after fail-back."
  }
}

variable "instance" {
  description = <<-EOT
    Size of the database. A warm standby may run a smaller class, never less storage.
    - `class`: RDS instance class, for instance `db.m7g.large`.
    - `storage_gib`, `max_storage_gib`: first size and the end of automatic growth; 20 to 65536.
  EOT
  type = object({
    class           = string
    storage_gib     = number
    max_storage_gib = number
  })
  nullable = false

  validation {
    condition     = can(regex("^db\\.(t4g|t3|[mr][5-9][a-z]{0,3})\\.(micro|small|medium|large|[0-9]{0,2}xlarge)$", var.instance.class))
    error_message = "instance.class must be a current PostgreSQL class, for instance db.t4g.medium or db.m7g.large."
  }

  validation {
    condition     = var.context.environment != "production" || !startswith(var.instance.class, "db.t")
    error_message = "Production does not run on burstable classes (db.t*): out of credits they apply slower than the other side writes."
  }

  validation {
    condition     = var.instance.storage_gib >= 20 && var.instance.max_storage_gib <= 65536
    error_message = "instance.storage_gib must be at least 20, instance.max_storage_gib at most 65536."
  }

  validation {
    condition     = var.instance.max_storage_gib >= ceil(var.instance.storage_gib * 1.26)
    error_message = "instance.max_storage_gib must exceed instance.storage_gib by more than a quarter: a slot that holds WAL during an outage of the other site must not fill the disk."
  }
}

variable "clients" {
  description = "Who may connect, by a name known at plan time: security groups inside, ranges of the other cloud for replication."
  type = object({
    security_group_ids = optional(map(string), {})
    peer_cidrs         = optional(map(string), {})
  })
  nullable = false

  validation {
    condition     = length(var.clients.security_group_ids) + length(var.clients.peer_cidrs) > 0
    error_message = "clients must name someone; a database nobody reaches is a backup."
  }

  validation {
    condition     = alltrue([for cidr in values(var.clients.peer_cidrs) : can(cidrnetmask(cidr)) && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", cidr))])
    error_message = "clients.peer_cidrs must be private networks (RFC 1918): replication goes through the tunnel, never over the internet."
  }

  validation {
    condition     = alltrue([for cidr in values(var.clients.peer_cidrs) : try(tonumber(split("/", cidr)[1]) >= 16, true)])
    error_message = "clients.peer_cidrs must be /16 or narrower; name the other side's network, not all private addresses."
  }
}

variable "logical_replication" {
  description = <<-EOT
    Limits of logical replication.
    - `max_slots`: slots and senders; each subscription needs one, and one more for each table while it is copied.
    - `slot_wal_keep_mib`: WAL a slot may hold back. A full disk stops the writer; an overrun slot only needs a new copy. At most a quarter of the storage.
  EOT
  type = object({
    max_slots         = optional(number, 20)
    slot_wal_keep_mib = optional(number, 16384)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.logical_replication.max_slots >= 10 && var.logical_replication.max_slots <= 100
    error_message = "logical_replication.max_slots must be 10 to 100."
  }

  validation {
    condition     = var.logical_replication.slot_wal_keep_mib >= 1024 && var.logical_replication.slot_wal_keep_mib <= var.instance.max_storage_gib * 1024 / 4
    error_message = "logical_replication.slot_wal_keep_mib must be at least 1024 and at most a quarter of instance.max_storage_gib."
  }
}

variable "database_name" {
  description = "Database of the application."
  type        = string
  nullable    = false
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name)) && !contains(["postgres", "rdsadmin", "template0", "template1"], var.database_name)
    error_message = "database_name must be lower-case letters, digits and underscores and none of the server's own, for instance app."
  }
}

variable "maintenance" {
  description = "Daily backup window and weekly maintenance window, both UTC."
  type = object({
    backup = optional(string, "02:00-03:00")
    weekly = optional(string, "sun:03:30-sun:04:30")
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance.backup)) && can(regex("^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance.weekly))
    error_message = "maintenance must look like { backup = \"02:00-03:00\", weekly = \"sun:03:30-sun:04:30\" }."
  }
}

variable "key_arns" {
  description = "KMS keys: `database` encrypts storage, snapshots and Performance Insights, `secrets` the master password, `logs` exported logs."
  type        = object({ database = string, secrets = string, logs = string })
  nullable    = false

  validation {
    condition     = alltrue([for arn in [var.key_arns.database, var.key_arns.secrets, var.key_arns.logs] : can(regex("^arn:aws[a-z-]*:kms:", arn))])
    error_message = "key_arns must be ARNs of KMS keys."
  }
}
