mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  vpc_id            = "vpc-1"
  vpc_cidr          = "10.20.0.0/16"
  public_subnet_ids = ["subnet-1", "subnet-2", "subnet-3"]
  certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/abc"
  access_log_bucket = "shop-prod-access-logs"
}

run "users_come_in_over_tls_at_fixed_addresses" {
  command = plan

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    error_message = "The only listener ends TLS 1.2 or newer."
  }

  assert {
    condition     = length(aws_eip.entry) == 3 && aws_lb.this.internal && !aws_lb.entry.internal
    error_message = "One fixed address in each zone; the application load balancer itself is not public."
  }
}

run "production_load_balancers_are_protected" {
  command = plan

  assert {
    condition     = aws_lb.this.enable_deletion_protection && aws_lb.entry.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields
    error_message = "Neither is deleted by accident; malformed headers are dropped."
  }
}

run "only_https_is_open_and_only_pods_are_reached" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_ingress_rule.https.to_port == 443 && aws_vpc_security_group_ingress_rule.entry_https.to_port == 443
    error_message = "Port 443 and nothing else."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.pods.cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_egress_rule.pods.to_port == 8080
    error_message = "It reaches pods, not the internet."
  }
}

run "another_service_is_reached_by_its_own_name" {
  command = plan
  variables { hosts = { storefront = "www.shop.example.com" } }

  assert {
    condition     = alltrue([for rule in values(aws_lb_listener_rule.host) : contains(flatten([for c in rule.condition : [for h in c.host_header : tolist(h.values)]]), "www.shop.example.com")]) && aws_lb_target_group.host["storefront"].target_type == "ip"
    error_message = "Its host leads to its own pods."
  }

  assert {
    condition     = toset(flatten([for rule in values(aws_lb_listener_rule.host) : [for c in rule.condition : [for p in c.path_pattern : tolist(p.values)]]])) == toset(var.public_paths.storefront)
    error_message = "With all of its public paths."
  }
}

run "only_public_paths_lead_in" {
  command = plan
  variables { hosts = { storefront = "www.shop.example.com" } }

  assert {
    condition     = one(aws_lb_listener.https.default_action).type == "fixed-response" && one(one(aws_lb_listener.https.default_action).fixed_response).status_code == "404"
    error_message = "What no rule names is answered 404: metrics, queues, receipts set aside."
  }

  assert {
    condition     = toset(flatten([for rule in values(aws_lb_listener_rule.default) : [for c in rule.condition : [for p in c.path_pattern : tolist(p.values)]]])) == toset(["/orders", "/orders/*", "/live", "/ready", "/health", "/traffic", "/cloud-status"])
    error_message = "Orders, and what whoever watches the site asks."
  }

  assert {
    condition     = max([for rule in values(aws_lb_listener_rule.host) : rule.priority]...) < one(values(aws_lb_listener_rule.host_rest)).priority && one(values(aws_lb_listener_rule.host_rest)).priority < min([for rule in values(aws_lb_listener_rule.default) : rule.priority]...)
    error_message = "A host's own paths come first, then its 404; what is left are the paths of the default."
  }

  assert {
    condition     = alltrue([for rule in concat(values(aws_lb_listener_rule.host), values(aws_lb_listener_rule.default)) : length(flatten([for c in rule.condition : concat([for p in c.path_pattern : tolist(p.values)], [for h in c.host_header : tolist(h.values)])])) <= 5])
    error_message = "A rule takes five values at most."
  }
}

run "refuses_a_host_without_paths" {
  command = plan
  variables {
    hosts = { admin = "admin.shop.example.com" }
  }
  expect_failures = [var.public_paths]
}

run "refuses_a_path_that_opens_everything" {
  command = plan
  variables {
    public_paths = { default = ["/*", "/ready"] }
  }
  expect_failures = [var.public_paths]
}

run "refuses_paths_without_that_of_the_health_check" {
  command = plan
  variables {
    public_paths = { default = ["/orders"] }
  }
  expect_failures = [var.public_paths]
}

run "refuses_hosts_that_begin_alike" {
  command = plan
  variables {
    hosts = { storefront = "www.shop.example.com", storeroom = "room.shop.example.com" }
  }
  expect_failures = [var.hosts]
}

run "refuses_one_host_for_two_services" {
  command = plan
  variables {
    hosts = { storefront = "www.shop.example.com", admin = "www.shop.example.com" }
  }
  expect_failures = [var.hosts]
}

run "refuses_vpc_cidr_that_is_none" {
  command = plan
  variables {
    vpc_cidr = "vpc"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_one_subnet" {
  command = plan
  variables {
    public_subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.public_subnet_ids]
}

run "refuses_certificate_of_another_region" {
  command = plan
  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/abc"
  }
  expect_failures = [var.certificate_arn]
}

run "refuses_old_tls" {
  command = plan
  variables {
    tls_policy = "ELBSecurityPolicy-2016-08"
  }
  expect_failures = [var.tls_policy]
}

run "refuses_privileged_pod_port" {
  command = plan
  variables {
    target = { port = 80 }
  }
  expect_failures = [var.target]
}

run "refuses_production_without_access_logs" {
  command = plan
  variables {
    access_log_bucket = null
  }
  expect_failures = [var.access_log_bucket]
}

