# Rules stand inline: one resource to read, and the provider's separate rule resource costs about 170 MB
# of memory each (https://github.com/hashicorp/terraform-provider-aws/issues/47875).
locals {
  managed = {
    reputation = { priority = 10, name = "AWSManagedRulesAmazonIpReputationList" }
    common     = { priority = 20, name = "AWSManagedRulesCommonRuleSet" }
    bad-inputs = { priority = 30, name = "AWSManagedRulesKnownBadInputsRuleSet" }
    sql        = { priority = 40, name = "AWSManagedRulesSQLiRuleSet" }
  }
}

resource "aws_wafv2_web_acl" "this" {
  name        = var.context.name
  description = "Public entry of ${var.context.name}"
  scope       = "REGIONAL"
  tags        = var.context.tags

  default_action {
    allow {}
  }

  rule {
    name     = "rate-limit"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit                 = var.requests_per_five_minutes
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate-limit"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed
    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        dynamic "count" {
          for_each = contains(var.count_only, rule.key) ? [1] : []
          content {}
        }
        dynamic "none" {
          for_each = contains(var.count_only, rule.key) ? [] : [1]
          content {}
        }
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.value.name
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.context.name
    sampled_requests_enabled   = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = var.load_balancer_arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

# The service only writes to log groups whose name begins with aws-waf-logs-.
resource "aws_cloudwatch_log_group" "this" {
  name              = "aws-waf-logs-${var.context.name}"
  retention_in_days = var.context.protection.log_retention_days
  kms_key_id        = var.log_key_arn
  tags              = var.context.tags
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.this.arn]

  dynamic "redacted_fields" {
    for_each = ["authorization", "cookie"]
    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }
}
