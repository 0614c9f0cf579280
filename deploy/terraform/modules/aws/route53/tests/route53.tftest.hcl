mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  zone_name   = "example.com"
  record_name = "shop.example.com"
  switch_url  = "https://shopswitch.blob.core.windows.net/switch/secondary"
  sites = {
    primary   = { addresses = ["203.0.113.10", "203.0.113.11"], health_host = "shop.example.com" }
    secondary = { addresses = ["198.51.100.10"], health_host = "shop.example.com" }
  }
}

run "both_answers_are_in_place_before_they_are_needed" {
  command = plan

  assert {
    condition     = aws_route53_record.site["primary"].failover_routing_policy[0].type == "PRIMARY" && aws_route53_record.site["secondary"].failover_routing_policy[0].type == "SECONDARY"
    error_message = "One record for each site."
  }

  assert {
    condition     = aws_route53_record.site["secondary"].health_check_id == null
    error_message = "The last answer is always given, whatever its health check says."
  }
}

run "users_follow_the_switch_and_not_a_health_check" {
  command = apply

  assert {
    condition     = aws_route53_health_check.switch.invert_healthcheck && aws_route53_health_check.switch.fqdn == "shopswitch.blob.core.windows.net" && aws_route53_health_check.switch.resource_path == "/switch/secondary"
    error_message = "The primary is served while the switch object is absent."
  }

  assert {
    condition     = aws_route53_record.site["primary"].health_check_id == aws_route53_health_check.switch.id
    error_message = "The primary's record hangs on the switch alone."
  }
}

run "a_zone_that_exists_is_used" {
  command = plan
  variables { create_zone = false }

  assert {
    condition     = length(aws_route53_zone.this) == 0 && length(output.name_servers) == 0
    error_message = "No second zone of the same name."
  }
}

run "refuses_zone_with_final_dot" {
  command = plan
  variables {
    zone_name = "example.com."
  }
  expect_failures = [var.zone_name]
}

run "refuses_record_outside_the_zone" {
  command = plan
  variables {
    record_name = "shop.example.org"
  }
  expect_failures = [var.record_name]
}

run "refuses_ttl_of_an_hour" {
  command = plan
  variables {
    ttl_seconds = 3600
  }
  expect_failures = [var.ttl_seconds]
}

run "refuses_three_sites" {
  command = plan
  variables {
    sites = { primary = { addresses = ["203.0.113.10"], health_host = "a" }, secondary = { addresses = ["203.0.113.11"], health_host = "b" }, third = { addresses = ["203.0.113.12"], health_host = "c" } }
  }
  expect_failures = [var.sites]
}

run "refuses_address_that_is_a_name" {
  command = plan
  variables {
    sites = { primary = { addresses = ["lb.example.com"], health_host = "a" }, secondary = { addresses = ["203.0.113.11"], health_host = "b" } }
  }
  expect_failures = [var.sites]
}

run "refuses_sites_at_one_address" {
  command = plan
  variables {
    sites = { primary = { addresses = ["203.0.113.10"], health_host = "a" }, secondary = { addresses = ["203.0.113.10"], health_host = "b" } }
  }
  expect_failures = [var.sites]
}

run "refuses_health_path_without_slash" {
  command = plan
  variables {
    sites = { primary = { addresses = ["203.0.113.10"], health_host = "a", health_path = "live" }, secondary = { addresses = ["203.0.113.11"], health_host = "b" } }
  }
  expect_failures = [var.sites]
}

run "refuses_switch_without_tls" {
  command = plan
  variables {
    switch_url = "http://example.com/switch"
  }
  expect_failures = [var.switch_url]
}

