output "context" {
  description = "What every module takes as `context`."
  value = {
    name        = "${var.application}-${local.abbreviation[var.environment]}"
    environment = var.environment
    region      = var.region
    tags = merge(var.extra_tags, {
      application         = var.application
      environment         = var.environment
      owner               = var.owner
      cost-center         = var.cost_center
      data-classification = var.data_classification
      managed-by          = "terraform"
      site                = local.site
    })
    protection = merge(local.defaults, {
      backup_retention_days = coalesce(var.backup_retention_days, local.defaults.backup_retention_days)
      log_retention_days    = coalesce(var.log_retention_days, local.defaults.log_retention_days)
    })
  }
}

output "site" {
  description = "Identifier of the site in the CloudPhoenix configuration, for instance `aws-eu-central-1`."
  value       = local.site
}
