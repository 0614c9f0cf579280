mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::shop-prod-documents-123456789012" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:events", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/events" }
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
  account_id = "123456789012"
  purpose    = "documents"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/storage"
}

run "a_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "All four public access blocks are on."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "Old versions stay and everything is encrypted with our key."
  }
}

run "plain_http_and_foreign_events_are_refused" {
  command = apply

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "Requests without TLS are denied."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.events[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:s3:::shop-prod-documents-123456789012"
    error_message = "Only this bucket may write events."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.events[0].redrive_policy).maxReceiveCount == 5
    error_message = "Events nobody can handle go to the dead letters."
  }
}

run "events_can_be_left_out" {
  command = plan
  variables { events = false }

  assert {
    condition     = length(aws_sqs_queue.events) == 0 && output.event_queue_url == null
    error_message = "No queue without events."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables {
    account_id = "my-account"
  }
  expect_failures = [var.account_id]
}

run "refuses_purpose_with_capitals" {
  command = plan
  variables {
    purpose = "Documents"
  }
  expect_failures = [var.purpose]
}

run "refuses_key_that_is_no_arn" {
  command = plan
  variables {
    key_arn = "alias/storage"
  }
  expect_failures = [var.key_arn]
}

run "refuses_infrequent_access_too_soon" {
  command = plan
  variables {
    lifecycle_days = { infrequent_access = 5 }
  }
  expect_failures = [var.lifecycle_days]
}

run "refuses_old_versions_gone_before_the_backup" {
  command = plan
  variables {
    lifecycle_days = { old_versions = 7 }
  }
  expect_failures = [var.lifecycle_days]
}

run "refuses_force_destroy_in_production" {
  command = plan
  variables {
    force_destroy = true
  }
  expect_failures = [var.force_destroy]
}

