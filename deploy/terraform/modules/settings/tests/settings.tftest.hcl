variables {
  application = "shop"
  environment = "production"
  cloud       = "aws"
  region      = "eu-central-1"
  owner       = "payments@example.com"
  cost_center = "CC-4711"
}

run "production_is_protected_by_default" {
  command = plan

  assert {
    condition     = output.context.protection == { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
    error_message = "Production must have deletion protection, zones and long retention without being asked."
  }

  assert {
    condition     = output.context.name == "shop-prod" && output.site == "aws-eu-central-1"
    error_message = "Name and site are made of application, environment, cloud and region."
  }
}

run "development_is_cheap_by_default" {
  command = plan
  variables { environment = "development" }

  assert {
    condition     = !output.context.protection.deletion_protection && output.context.protection.backup_retention_days == 7
    error_message = "Development must be removable and keep little."
  }
}

run "extra_tags_stand_beside_required_ones" {
  command = plan
  variables { extra_tags = { backup = "daily" } }

  assert {
    condition     = output.context.tags["backup"] == "daily" && output.context.tags["cost-center"] == "CC-4711" && length(output.context.tags) == 8
    error_message = "Tags are the required seven and the extra ones."
  }
}

run "azure_regions_belong_to_azure" {
  command = plan
  variables {
    cloud  = "azure"
    region = "westeurope"
  }

  assert {
    condition     = output.site == "azure-westeurope"
    error_message = "An Azure site is named after its region."
  }
}

run "refuses_long_application" {
  command = plan
  variables { application = "a-name-that-is-too-long" }
  expect_failures = [var.application]
}

run "refuses_unknown_environment" {
  command = plan
  variables { environment = "prod" }
  expect_failures = [var.environment]
}

run "refuses_unknown_cloud" {
  command = plan
  variables { cloud = "gcp" }
  expect_failures = [var.cloud]
}

run "refuses_a_region_of_the_other_cloud" {
  command = plan
  variables { region = "westeurope" }
  expect_failures = [var.region]
}

run "refuses_an_owner_nobody_can_write_to" {
  command = plan
  variables { owner = "payments team" }
  expect_failures = [var.owner]
}

run "refuses_cost_center_with_spaces" {
  command = plan
  variables { cost_center = "cost center 1" }
  expect_failures = [var.cost_center]
}

run "refuses_unknown_classification" {
  command = plan
  variables { data_classification = "secret" }
  expect_failures = [var.data_classification]
}

run "refuses_extra_tag_that_replaces_a_required_one" {
  command = plan
  variables { extra_tags = { owner = "me" } }
  expect_failures = [var.extra_tags]
}

run "refuses_extra_tag_azure_and_aws_spell_differently" {
  command = plan
  variables { extra_tags = { "Team Name" = "x" } }
  expect_failures = [var.extra_tags]
}

run "refuses_short_backups_in_production" {
  command = plan
  variables { backup_retention_days = 7 }
  expect_failures = [var.backup_retention_days]
}

run "refuses_short_logs_in_production" {
  command = plan
  variables { log_retention_days = 30 }
  expect_failures = [var.log_retention_days]
}
