# The rules of context.tf, tested once: the file is the same in every module.
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

run "refuses_name_with_capitals" {
  command = plan
  variables {
    context = {
      name        = "Shop"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_unknown_environment" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "prod"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_missing_cost_center" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_production_without_deletion_protection" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_production_in_one_zone" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = false, backup_retention_days = 35, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_production_with_a_week_of_backups" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 7, log_retention_days = 400 }
    }
  }
  expect_failures = [var.context]
}

run "refuses_production_with_a_month_of_logs" {
  command = plan
  variables {
    context = {
      name        = "shop-prod"
      environment = "production"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 30 }
    }
  }
  expect_failures = [var.context]
}
