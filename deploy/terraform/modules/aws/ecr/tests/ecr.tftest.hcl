mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/storage"
}

run "a_tag_once_given_stays_where_it_is" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && repository.encryption_configuration[0].kms_key == var.key_arn && !repository.force_delete])
    error_message = "Tags do not move, images are scanned and encrypted, and production's are not thrown away with the repository."
  }

  assert {
    condition     = aws_ecr_repository.this["orders"].name == "cloudphoenix/orders" && length(aws_ecr_repository.this) == 6
    error_message = "One repository for each image of the project."
  }
}

run "old_images_go" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["orders"].policy).rules[1].selection.countNumber == 100
    error_message = "The newest hundred stay."
  }
}

run "refuses_prefix_with_capitals" {
  command = plan
  variables {
    prefix = "CloudPhoenix"
  }
  expect_failures = [var.prefix]
}

run "refuses_repository_with_a_slash" {
  command = plan
  variables {
    repositories = ["shop/orders"]
  }
  expect_failures = [var.repositories]
}

run "refuses_key_that_is_no_arn" {
  command = plan
  variables {
    key_arn = "alias/storage"
  }
  expect_failures = [var.key_arn]
}

run "refuses_to_keep_too_few_images" {
  command = plan
  variables {
    keep = { images = 2 }
  }
  expect_failures = [var.keep]
}

run "refuses_untagged_images_for_ever" {
  command = plan
  variables {
    keep = { untagged_days = 0 }
  }
  expect_failures = [var.keep]
}
