mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  cidr               = "10.20.0.0/16"
  peer_cidrs         = ["10.40.0.0/16"]
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  log_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/logs"
}

run "subnets_do_not_overlap_and_databases_have_no_internet" {
  command = plan

  assert {
    condition     = [for zone in ["eu-central-1a", "eu-central-1b", "eu-central-1c"] : aws_subnet.node[zone].cidr_block] == ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]
    error_message = "Nodes get a /19 in each zone."
  }

  assert {
    condition     = aws_subnet.public["eu-central-1a"].cidr_block == "10.20.192.0/22" && aws_subnet.database["eu-central-1a"].cidr_block == "10.20.224.0/22"
    error_message = "Load balancers and databases have ranges of their own."
  }

  assert {
    condition     = alltrue([for route in aws_route.node_internet : route.gateway_id == null]) && length(aws_route.node_internet) == 3
    error_message = "Private subnets leave through NAT, never through the internet gateway."
  }
}

run "nothing_gets_a_public_address_by_default" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Public addresses are given by name only."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_ingress_rule.endpoints.from_port == 443
    error_message = "Endpoints answer inside the VPC, over TLS."
  }
}

run "development_may_save_on_gateways" {
  command = plan
  variables {
    nat_gateways       = "single"
    availability_zones = ["eu-central-1a", "eu-central-1b"]
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.node_internet) == 2
    error_message = "One gateway serves both zones."
  }
}

run "a_network_without_internet_is_possible" {
  command = plan
  variables { nat_gateways = "none" }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.node_internet) == 0 && length(aws_vpc_endpoint.interface) == 12
    error_message = "Everything then goes over private endpoints."
  }
}

run "refuses_cidr_that_is_none" {
  command = plan
  variables {
    cidr = "10.20.0.0"
  }
  expect_failures = [var.cidr]
}

run "refuses_cidr_that_starts_in_the_middle" {
  command = plan
  variables {
    cidr = "10.20.0.5/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_cidr_that_is_too_small" {
  command = plan
  variables {
    cidr = "10.20.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_public_cidr" {
  command = plan
  variables {
    cidr = "8.8.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_bad_peer_cidr" {
  command = plan
  variables {
    peer_cidrs = ["10.40.0.0/33"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_same_range_in_both_clouds" {
  command = plan
  variables {
    peer_cidrs = ["10.20.0.0/16"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_peer_inside_this_range" {
  command = plan
  variables {
    peer_cidrs = ["10.40.0.0/16", "10.20.64.0/20"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_peer_around_this_range" {
  command = plan
  variables {
    peer_cidrs = ["10.0.0.0/8"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_one_zone" {
  command = plan
  variables {
    availability_zones = ["eu-central-1a"]
  }
  expect_failures = [var.availability_zones]
}

run "refuses_zone_of_another_region" {
  command = plan
  variables {
    availability_zones = ["eu-central-1a", "eu-central-1b", "us-east-1c"]
  }
  expect_failures = [var.availability_zones]
}

run "refuses_two_zones_in_production" {
  command = plan
  variables {
    availability_zones = ["eu-central-1a", "eu-central-1b"]
  }
  expect_failures = [var.availability_zones]
}

run "refuses_unknown_nat_gateways" {
  command = plan
  variables {
    nat_gateways = "two"
  }
  expect_failures = [var.nat_gateways]
}

run "refuses_single_nat_gateway_in_production" {
  command = plan
  variables {
    nat_gateways = "single"
  }
  expect_failures = [var.nat_gateways]
}

run "refuses_endpoint_given_as_full_name" {
  command = plan
  variables {
    interface_endpoints = ["com.amazonaws.eu-central-1.sts"]
  }
  expect_failures = [var.interface_endpoints]
}

run "refuses_no_internet_and_no_endpoints" {
  command = plan
  variables {
    nat_gateways        = "none"
    interface_endpoints = ["sts"]
  }
  expect_failures = [var.interface_endpoints]
}

run "refuses_log_key_that_is_no_arn" {
  command = plan
  variables {
    log_key_arn = "alias/logs"
  }
  expect_failures = [var.log_key_arn]
}

