mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  account_id = "123456789012"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  secrets = {
    database-controller = { description = "Role of CloudPhoenix in the database" }
    database-replicator = { description = "Replication between the clouds", rotation = { lambda_arn = "arn:aws:lambda:eu-central-1:123456789012:function:rotate", days = 90 } }
  }
}

run "secrets_are_encrypted_recoverable_and_rotated_where_asked" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.this["database-controller"].name == "shop-prod/database-controller" && alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 30 && secret.kms_key_id == var.key_arn])
    error_message = "Production secrets can be had back for 30 days."
  }

  assert {
    condition     = keys(aws_secretsmanager_secret_rotation.this) == ["database-replicator"]
    error_message = "Only what names a Lambda is rotated by it."
  }
}

run "nobody_outside_the_account_reads_one" {
  command = plan

  assert {
    condition     = alltrue([for policy in aws_secretsmanager_secret_policy.this : policy.block_public_policy && jsondecode(policy.policy).Statement[0].Condition.StringNotEquals["aws:PrincipalAccount"] == "123456789012"])
    error_message = "Other accounts are denied."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables {
    account_id = "my-account"
  }
  expect_failures = [var.account_id]
}

run "refuses_key_that_is_no_arn" {
  command = plan
  variables {
    key_arn = "alias/secrets"
  }
  expect_failures = [var.key_arn]
}

run "refuses_secret_name_with_capitals" {
  command = plan
  variables {
    secrets = { DatabasePassword = { description = "Opens the database" } }
  }
  expect_failures = [var.secrets]
}

run "refuses_secret_nobody_explains" {
  command = plan
  variables {
    secrets = { database = { description = "db" } }
  }
  expect_failures = [var.secrets]
}

run "refuses_rotation_every_two_years" {
  command = plan
  variables {
    secrets = { database = { description = "Opens the database", rotation = { lambda_arn = "arn", days = 730 } } }
  }
  expect_failures = [var.secrets]
}

