mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/backup" }
  }
}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/backup"
}

run "production_backups_cannot_be_shortened" {
  command = plan

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].changeable_for_days == 7 && !aws_backup_vault.this.force_destroy
    error_message = "The lock becomes final."
  }

  assert {
    condition     = one([for rule in aws_backup_plan.this.rule : rule.lifecycle[0].delete_after if rule.rule_name == "daily"]) == 35
    error_message = "Daily backups are kept as long as the environment says."
  }
}

run "only_this_application_in_this_environment_is_taken" {
  command = plan

  assert {
    condition     = { for condition in tolist(aws_backup_selection.this.condition)[0].string_equals : condition.key => condition.value } == { "aws:ResourceTag/backup" = "daily", "aws:ResourceTag/application" = "shop", "aws:ResourceTag/environment" = "production" }
    error_message = "Three tags must agree."
  }
}

run "a_copy_leaves_the_region" {
  command = plan
  variables { copy_vault_arn = "arn:aws:backup:eu-west-1:123456789012:backup-vault:shop-prod" }

  assert {
    condition     = one([for rule in aws_backup_plan.this.rule : length(rule.copy_action) if rule.rule_name == "daily"]) == 1
    error_message = "Daily backups are copied."
  }
}

run "development_has_no_lock" {
  command = plan
  variables {
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 0
    error_message = "Development may be thrown away."
  }
}

run "refuses_key_that_is_no_arn" {
  command = plan
  variables {
    key_arn = "alias/backup"
  }
  expect_failures = [var.key_arn]
}

run "refuses_monthly_backups_kept_a_month" {
  command = plan
  variables {
    monthly_retention_days = 30
  }
  expect_failures = [var.monthly_retention_days]
}

run "refuses_copy_in_the_same_region" {
  command = plan
  variables {
    copy_vault_arn = "arn:aws:backup:eu-central-1:123456789012:backup-vault:shop-prod"
  }
  expect_failures = [var.copy_vault_arn]
}

run "refuses_lock_without_grace" {
  command = plan
  variables {
    lock_grace_days = 1
  }
  expect_failures = [var.lock_grace_days]
}

