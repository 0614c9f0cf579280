# Plans only: the state bucket refuses to be destroyed, which a test that applies would try.
mock_provider "aws" {
  override_during = plan
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/state" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::mock" }
  }
}

variables {
  application     = "shop"
  environment     = "production"
  region          = "eu-central-1"
  owner           = "payments@example.com"
  cost_center     = "CC-4711"
  account_id      = "123456789012"
  state_role_arns = ["arn:aws:iam::123456789012:role/terraform"]
}

run "the_state_is_encrypted_versioned_and_for_named_roles" {
  command = plan

  assert {
    condition     = output.backend.bucket == "shop-prod-state-123456789012" && output.backend.kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/state"
    error_message = "The backend's settings are an output."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.state.policy).Statement[1].Condition.ArnNotLike["aws:PrincipalArn"] == ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/terraform"]
    error_message = "Everybody else is denied."
  }
}

run "the_account_is_recorded_where_nobody_changes_it" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this[0].is_multi_region_trail && aws_cloudtrail.this[0].enable_log_file_validation && aws_s3_bucket.trail[0].object_lock_enabled
    error_message = "All regions, validated, locked."
  }
}

run "an_organisation_with_its_own_trail_needs_none" {
  command = plan
  variables { trail = false }

  assert {
    condition     = length(aws_cloudtrail.this) == 0 && length(aws_s3_bucket.trail) == 0
    error_message = "No second trail."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables {
    account_id = "prod"
  }
  expect_failures = [var.account_id]
}

run "refuses_state_for_everybody" {
  command = plan
  variables {
    state_role_arns = ["arn:aws:iam::123456789012:role/*"]
  }
  expect_failures = [var.state_role_arns]
}

run "refuses_trail_kept_a_week" {
  command = plan
  variables {
    trail_retention_days = 7
  }
  expect_failures = [var.trail_retention_days]
}

