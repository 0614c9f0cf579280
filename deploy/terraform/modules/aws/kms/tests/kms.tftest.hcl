mock_provider "aws" {}

variables {
  account_id = "123456789012"
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
}

run "one_rotating_key_for_each_purpose" {
  command = plan

  assert {
    condition     = length(aws_kms_key.this) == 6 && alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.deletion_window_in_days == 30])
    error_message = "Six keys, all rotating, all hard to lose."
  }

  assert {
    condition     = alltrue([for purpose, alias in aws_kms_alias.this : alias.name == "alias/shop-prod-${purpose}"])
    error_message = "Aliases carry the purpose."
  }
}

run "services_may_use_a_key_only_for_this_account" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for key in aws_kms_key.this : [
        for statement in jsondecode(key.policy).Statement : can(statement.Condition) if can(statement.Principal.Service)
      ]
    ]))
    error_message = "A service principal without a condition would serve any account."
  }

  assert {
    condition     = length(jsondecode(aws_kms_key.this["database"].policy).Statement) == 1
    error_message = "The database key is granted through IAM alone."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables { account_id = "my-account" }
  expect_failures = [var.account_id]
}

run "refuses_unknown_purpose" {
  command = plan
  variables { purposes = ["everything"] }
  expect_failures = [var.purposes]
}

run "refuses_deletion_window_the_service_refuses" {
  command = plan
  variables {
    deletion_window_days = 3
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }
  expect_failures = [var.deletion_window_days]
}

run "refuses_short_deletion_window_in_production" {
  command = plan
  variables { deletion_window_days = 7 }
  expect_failures = [var.deletion_window_days]
}
