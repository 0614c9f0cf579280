mock_provider "aws" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "eu-central-1"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  vpc_id                 = "vpc-1"
  route_table_ids        = { database = "rtb-1" }
  peer_gateway_addresses = ["198.51.100.4", "198.51.100.5"]
  peer_cidrs             = ["10.40.0.0/16"]
  log_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/logs"
}

run "four_tunnels_with_strong_proposals_only" {
  command = apply

  assert {
    condition     = length(output.tunnel_addresses) == 4
    error_message = "Two connections have two tunnels each."
  }

  assert {
    condition = alltrue([for connection in aws_vpn_connection.this :
      connection.tunnel1_ike_versions == toset(["ikev2"]) && connection.tunnel2_phase1_encryption_algorithms == toset(["AES256-GCM-16"]) && connection.preshared_key_storage == "SecretsManager"
    ])
    error_message = "Only IKEv2 with AES-256-GCM, keys in Secrets Manager."
  }
}

run "development_may_have_one_connection" {
  command = plan
  variables {
    peer_gateway_addresses = ["198.51.100.4"]
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = length(aws_vpn_connection.this) == 1
    error_message = "One peer address gives one connection."
  }
}

run "refuses_no_route_tables" {
  command = plan
  variables {
    route_table_ids = {}
  }
  expect_failures = [var.route_table_ids]
}

run "refuses_peer_gateway_that_is_no_address" {
  command = plan
  variables {
    peer_gateway_addresses = ["gateway.example.com", "198.51.100.5"]
  }
  expect_failures = [var.peer_gateway_addresses]
}

run "refuses_one_peer_gateway_in_production" {
  command = plan
  variables {
    peer_gateway_addresses = ["198.51.100.4"]
  }
  expect_failures = [var.peer_gateway_addresses]
}

run "refuses_private_peer_gateway" {
  command = plan
  variables {
    peer_gateway_addresses = ["10.40.0.4", "198.51.100.5"]
  }
  expect_failures = [var.peer_gateway_addresses]
}

run "refuses_no_peer_cidr" {
  command = plan
  variables {
    peer_cidrs = []
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_log_key_that_is_no_arn" {
  command = plan
  variables {
    log_key_arn = "alias/logs"
  }
  expect_failures = [var.log_key_arn]
}


run "names_of_the_other_cloud_are_asked_there" {
  command = plan
  variables {
    peer_dns = { domains = ["shop-prod.postgres.database.azure.com"], resolver_addresses = ["10.40.252.4"], subnet_ids = ["subnet-1", "subnet-2", "subnet-3"] }
  }

  assert {
    condition     = aws_route53_resolver_rule.this["shop-prod.postgres.database.azure.com"].rule_type == "FORWARD" && length(aws_vpc_security_group_egress_rule.resolver) == 2
    error_message = "The zone is forwarded, over UDP and TCP, to the named resolver only."
  }
}

run "refuses_public_resolver" {
  command = plan
  variables {
    peer_dns = { domains = ["example.com"], resolver_addresses = ["8.8.8.8"], subnet_ids = ["subnet-1", "subnet-2"] }
  }
  expect_failures = [var.peer_dns]
}

