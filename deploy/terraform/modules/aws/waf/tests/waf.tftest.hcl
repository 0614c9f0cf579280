mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1"
  log_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/logs"
}

run "five_rules_the_rate_limit_first" {
  command = plan

  assert {
    condition     = toset([for rule in aws_wafv2_web_acl.this.rule : rule.priority]) == toset([0, 10, 20, 30, 40])
    error_message = "Rate limit and four managed groups, each with a priority of its own."
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "rate-limit"]) == 2000
    error_message = "The rate limit is what was asked for."
  }
}

run "production_blocks" {
  command = plan

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.override_action[0].count) == 0 if rule.name != "rate-limit"])
    error_message = "No managed group only counts."
  }

  assert {
    condition     = length(aws_wafv2_web_acl_logging_configuration.this.redacted_fields) == 2
    error_message = "Logs show neither tokens nor cookies."
  }
}

run "staging_may_try_a_group" {
  command = plan
  variables {
    count_only = ["sql"]
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = length(one([for rule in aws_wafv2_web_acl.this.rule : rule if rule.name == "sql"]).override_action[0].count) == 1
    error_message = "The named group counts instead of blocking."
  }
}

run "refuses_rate_limit_below_the_service_minimum" {
  command = plan
  variables {
    requests_per_five_minutes = 5
  }
  expect_failures = [var.requests_per_five_minutes]
}

run "refuses_unknown_rule_group" {
  command = plan
  variables {
    count_only = ["bots"]
  }
  expect_failures = [var.count_only]
}

run "refuses_counting_in_production" {
  command = plan
  variables {
    count_only = ["sql"]
  }
  expect_failures = [var.count_only]
}

run "refuses_log_key_that_is_no_arn" {
  command = plan
  variables {
    log_key_arn = "alias/logs"
  }
  expect_failures = [var.log_key_arn]
}

