mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  key_arn                 = "arn:aws:kms:eu-central-1:123456789012:key/storage"
  alert_endpoints         = { mail = ["oncall@example.com"] }
  database                = { identifier = "shop-prod", storage_gib = 100 }
  entry                   = { load_balancer = "app/shop-prod/1", target_group = "targetgroup/pods/1" }
  dead_letter_queue_names = { documents = "shop-prod-documents-events-dead" }
  vpn_connection_ids      = { "1" = "vpn-1" }
}

run "everything_that_can_stop_a_failover_has_an_alarm" {
  command = plan

  assert {
    condition     = length(output.alarm_names) == 9 && contains(output.alarm_names, "shop-prod-replication-slot-lag") && contains(output.alarm_names, "shop-prod-tunnel-1")
    error_message = "Database, replication, entry, dead letters and tunnels are watched."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-storage"].threshold == 21474836480
    error_message = "Twenty of a hundred GiB."
  }
}

run "silence_of_something_that_must_speak_is_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-cpu"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["tunnel-1"].treat_missing_data == "breaching"
    error_message = "A database or tunnel without data is not fine."
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.key_arn
    error_message = "Alarms are encrypted on the way."
  }
}

run "refuses_alarms_nobody_hears" {
  command = plan
  variables {
    alert_endpoints = {}
  }
  expect_failures = [var.alert_endpoints]
}

run "refuses_plain_http_endpoint" {
  command = plan
  variables {
    alert_endpoints = { https = ["http://example.com/hook"] }
  }
  expect_failures = [var.alert_endpoints]
}

run "refuses_key_that_is_no_arn" {
  command = plan
  variables {
    key_arn = "alias/aws/sns"
  }
  expect_failures = [var.key_arn]
}

run "refuses_cpu_above_hundred" {
  command = plan
  variables {
    database = { identifier = "shop-prod", storage_gib = 100, cpu_percent = 120 }
  }
  expect_failures = [var.database]
}

run "refuses_slot_lag_that_always_alarms" {
  command = plan
  variables {
    database = { identifier = "shop-prod", storage_gib = 100, slot_lag_mib = 0 }
  }
  expect_failures = [var.database]
}

run "refuses_latency_of_a_minute" {
  command = plan
  variables {
    entry = { load_balancer = "a", target_group = "b", p99_seconds = 60 }
  }
  expect_failures = [var.entry]
}

