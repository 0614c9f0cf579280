# The complete example, and what the stack itself refuses. Rules of modules are tested beside the modules.
mock_provider "aws" {
  override_during = plan
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/mock" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/mock/1" }
  }
  mock_resource "aws_eip" {
    defaults = { public_ip = "203.0.113.10" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::mock" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:mock" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "shop-prod.abc.eu-central-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
  mock_resource "aws_eks_cluster" {
    defaults = {
      identity   = [{ oidc = [{ issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC" }] }]
      vpc_config = { cluster_security_group_id = "sg-nodes" }
    }
  }
}

variables {
  application         = "shop"
  environment         = "production"
  region              = "eu-central-1"
  owner               = "payments@example.com"
  cost_center         = "CC-4711"
  data_classification = "restricted"
  extra_tags          = { team = "payments" }
  account_id          = "123456789012"
  posture             = "active"
  alert_mail          = ["oncall@example.com"]

  network = {
    cidr               = "10.20.0.0/16"
    peer_cidrs         = ["10.40.0.0/16"]
    availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  connectivity = {
    peer_gateway_addresses = ["198.51.100.4", "198.51.100.5"]
    peer_dns = {
      domains            = ["shop-prod.postgres.database.azure.com", "shop-prod.private.postgres.database.azure.com"]
      resolver_addresses = ["10.40.254.4"]
    }
  }

  kubernetes = {
    version         = "1.34"
    admin_role_arns = { platform = "arn:aws:iam::123456789012:role/platform" }
  }

  database = { engine_version = 17, peer_engine_version = 17 }

  capacity = {
    active = {
      nodes    = { instance_types = ["m7g.large", "m6g.large"], min = 3, desired = 6, max = 12 }
      database = { class = "db.m7g.xlarge", storage_gib = 200, max_storage_gib = 1000 }
    }
    standby = {
      nodes    = { instance_types = ["m7g.large", "m6g.large"], min = 2, desired = 2, max = 12 }
      database = { class = "db.m7g.large", storage_gib = 200, max_storage_gib = 1000 }
    }
  }

  entry = {
    host              = "shop.example.com"
    certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    access_log_bucket = "shop-prod-access-logs-123456789012"
  }

  dns = {
    zone_name           = "example.com"
    secondary_addresses = ["198.51.100.10"]
    switch_url          = "https://shopswitch.blob.core.windows.net/switch/secondary"
  }

  backup_copy_vault_arn = "arn:aws:backup:eu-west-1:123456789012:backup-vault:shop-prod"

  cloudphoenix = {
    entry_url    = "https://aws.shop.example.com"
    provider_url = "https://provider.aws.shop.example.com"
    agent_url    = "http://agent.aws.internal.example.com:8081"
    traffic = {
      server      = "ns1.example.com:53"
      zone        = "example.com"
      name        = "shop.example.com"
      ttl_seconds = 5
    }
  }
}

run "an_active_site_in_production" {
  command = plan

  assert {
    condition     = output.cloudphoenix.site.id == "aws-eu-central-1" && output.cloudphoenix.site.entry.address == "203.0.113.10"
    error_message = "The site is named after cloud and region and has a fixed address."
  }

  assert {
    condition     = output.cloudphoenix.site.database.peer_url == "postgresql://replicator@shop-prod.abc.eu-central-1.rds.amazonaws.com:5432/app?sslmode=verify-full"
    error_message = "The other site's database checks this server's certificate."
  }

  assert {
    condition     = alltrue([for file in [output.cloudphoenix.site.database.password_file, output.cloudphoenix.site.database.peer_password_file, output.cloudphoenix.site.provider.token_file] : contains(keys(output.cloudphoenix.secrets.files), file)])
    error_message = "Every file of the configuration has a secret that fills it."
  }

  assert {
    condition     = length(output.vpn_tunnel_addresses) == 4 && length(module.route53) == 1
    error_message = "Tunnels and DNS are there when they are asked for."
  }
}

run "the_worker_may_do_what_copying_takes_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([
      for statement in jsondecode(local.workload_identities["worker"].policy).Statement : statement.Action if statement.Resource == ["arn:aws:s3:::mock/*"]
      ])) == toset([
      "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging", "s3:PutObjectTagging",
      "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload",
    ])
    error_message = "Objects with their tags, in one piece or in parts."
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(local.workload_identities["worker"].policy).Statement : statement.Action if statement.Resource == ["arn:aws:s3:::mock"]
    ])) == toset(["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"])
    error_message = "The listing, and the settings that say how to read it."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(local.workload_identities["worker"].policy).Statement : !contains(statement.Resource, "*")])
    error_message = "Nothing but its own bucket, queue and key."
  }
}

run "a_warm_standby_takes_the_smaller_size" {
  command = plan
  variables { posture = "warm-standby" }

  assert {
    condition     = local.capacity.nodes.desired == 2 && local.capacity.database.class == "db.m7g.large" && output.cloudphoenix.posture == "warm-standby"
    error_message = "Two nodes and the smaller class."
  }
}

run "the_first_apply_has_no_tunnels" {
  command = plan
  variables {
    connectivity = null
    dns          = null
  }

  assert {
    condition     = length(output.vpn_tunnel_addresses) == 0 && length(module.route53) == 0
    error_message = "Nothing waits for the other cloud."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables {
    account_id = "prod"
  }
  expect_failures = [var.account_id]
}

run "refuses_unknown_posture" {
  command = plan
  variables {
    posture = "cold"
  }
  expect_failures = [var.posture]
}

run "refuses_standby_that_cannot_grow" {
  command = plan
  variables {
    capacity = { active = { nodes = { instance_types = ["m7g.large"], min = 3, desired = 6, max = 12 }, database = { class = "db.m7g.xlarge", storage_gib = 200, max_storage_gib = 1000 } }, standby = { nodes = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 4 }, database = { class = "db.m7g.large", storage_gib = 200, max_storage_gib = 1000 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_standby_too_small_for_the_data" {
  command = plan
  variables {
    capacity = { active = { nodes = { instance_types = ["m7g.large"], min = 3, desired = 6, max = 12 }, database = { class = "db.m7g.xlarge", storage_gib = 200, max_storage_gib = 1000 } }, standby = { nodes = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 12 }, database = { class = "db.m7g.large", storage_gib = 50, max_storage_gib = 100 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_standby_larger_than_the_active_site" {
  command = plan
  variables {
    capacity = { active = { nodes = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 12 }, database = { class = "db.m7g.xlarge", storage_gib = 200, max_storage_gib = 1000 } }, standby = { nodes = { instance_types = ["m7g.large"], min = 2, desired = 6, max = 12 }, database = { class = "db.m7g.large", storage_gib = 200, max_storage_gib = 1000 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_host_that_is_none" {
  command = plan
  variables {
    entry = { host = "shop", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0", access_log_bucket = "logs" }
  }
  expect_failures = [var.entry]
}

run "refuses_provider_without_tls" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://aws.shop.example.com", provider_url = "http://provider.example.com", agent_url = "http://agent.aws.internal.example.com:8081" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_application_role_that_fences" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://aws.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.aws.internal.example.com:8081", application_role = "cloudphoenix" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_name_outside_its_zone" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://aws.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.aws.internal.example.com:8081", traffic = { server = "ns1.example.com:53", zone = "example.com", name = "shop.example.org" } }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_traffic_with_a_ttl_of_an_hour" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://aws.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.aws.internal.example.com:8081", traffic = { server = "ns1.example.com:53", zone = "example.com", name = "shop.example.com", ttl_seconds = 3600 } }
  }
  expect_failures = [var.cloudphoenix]
}


run "refuses_entry_url_that_follows_the_users" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.aws.internal.example.com:8081" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_agent_without_a_url" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://aws.shop.example.com", provider_url = "https://provider.example.com", agent_url = "agent.aws.internal:8081" }
  }
  expect_failures = [var.cloudphoenix]
}
