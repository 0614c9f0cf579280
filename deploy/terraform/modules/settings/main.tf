# Names, tags and protection in one place. No resources: it can be tested and read without a cloud.
locals {
  abbreviation = { development = "dev", staging = "stg", production = "prod" }

  by_environment = {
    development = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    staging     = { deletion_protection = true, multi_zone = false, backup_retention_days = 14, log_retention_days = 90 }
    production  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }

  defaults = local.by_environment[var.environment]
  site     = "${var.cloud}-${var.region}"
}
