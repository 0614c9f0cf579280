mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      identity   = [{ oidc = [{ issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC" }] }]
      vpc_config = { cluster_security_group_id = "sg-nodes", endpoint_private_access = true, endpoint_public_access = false, public_access_cidrs = [], vpc_id = "vpc-1", control_plane_egress_mode = "ROUTED" }
    }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC" }
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
  account_id         = "123456789012"
  kubernetes_version = "1.34"
  vpc_id             = "vpc-1"
  subnet_ids         = ["subnet-1", "subnet-2", "subnet-3"]
  nodes              = { instance_types = ["m7g.large", "m6g.large"], min = 2, desired = 3, max = 12 }
  key_arns           = { cluster = "arn:aws:kms:eu-central-1:123456789012:key/c", logs = "arn:aws:kms:eu-central-1:123456789012:key/l" }
  admin_role_arns    = { platform = "arn:aws:iam::123456789012:role/platform" }
  workload_identities = {
    orders = {
      namespace       = "shop"
      service_account = "orders"
      policy          = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop\"}]}"
    }
  }
}

run "the_api_is_private_and_secrets_are_encrypted" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "The Kubernetes API answers inside the VPC only."
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_eks_cluster.this.deletion_protection
    error_message = "Secrets are encrypted with our key and the cluster cannot be deleted by accident."
  }

  assert {
    condition     = !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions && contains(aws_eks_cluster.this.enabled_cluster_log_types, "audit")
    error_message = "Administration is granted by name and audited."
  }
}

run "nodes_hide_their_credentials_and_encrypt_their_disks" {
  command = plan

  assert {
    condition     = aws_launch_template.node.metadata_options[0].http_tokens == "required" && aws_launch_template.node.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Metadata needs a token and answers one hop."
  }

  assert {
    condition     = tobool(aws_launch_template.node.block_device_mappings[0].ebs[0].encrypted) && aws_eks_node_group.this.ami_type == "AL2023_ARM_64_STANDARD"
    error_message = "Disks are encrypted, the image fits the processor."
  }
}

run "a_role_trusts_one_service_account" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role.workload["orders"].assume_role_policy).Statement[0].Condition.StringEquals == {
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:shop:orders"
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
    }
    error_message = "The trust policy names issuer, audience, namespace and service account."
  }

  assert {
    condition     = keys(output.workload_role_arns) == ["orders"]
    error_message = "Roles for the service accounts of the manifests are outputs."
  }
}

run "a_development_api_may_answer_one_office" {
  command = plan
  variables {
    public_access_cidrs = ["203.0.113.8/32"]
    subnet_ids          = ["subnet-1", "subnet-2"]
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.8/32"])
    error_message = "Only the named address is let in."
  }
}

run "refuses_account_that_is_no_number" {
  command = plan
  variables {
    account_id = "my-account"
  }
  expect_failures = [var.account_id]
}

run "refuses_old_kubernetes" {
  command = plan
  variables {
    kubernetes_version = "1.27"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_two_subnets_in_production" {
  command = plan
  variables {
    subnet_ids = ["subnet-1", "subnet-2"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_public_access_cidr_that_is_none" {
  command = plan
  variables {
    public_access_cidrs = ["office"]
  }
  expect_failures = [var.public_access_cidrs]
}

run "refuses_kubernetes_api_open_to_the_world" {
  command = plan
  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.public_access_cidrs]
}

run "refuses_public_kubernetes_api_in_production" {
  command = plan
  variables {
    public_access_cidrs = ["203.0.113.8/32"]
  }
  expect_failures = [var.public_access_cidrs]
}

run "refuses_client_that_is_no_security_group" {
  command = plan
  variables {
    api_client_security_group_ids = { runner = "10.0.0.0/8" }
  }
  expect_failures = [var.api_client_security_group_ids]
}

run "refuses_outdated_instance_type" {
  command = plan
  variables {
    nodes = { instance_types = ["m3.large"], min = 2, desired = 3, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_desired_above_max" {
  command = plan
  variables {
    nodes = { instance_types = ["m7g.large"], min = 2, desired = 13, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_one_node_in_production" {
  command = plan
  variables {
    nodes = { instance_types = ["m7g.large"], min = 1, desired = 1, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_tiny_disk" {
  command = plan
  variables {
    nodes = { instance_types = ["m7g.large"], min = 2, desired = 3, max = 12, disk_gib = 8 }
  }
  expect_failures = [var.nodes]
}

run "refuses_mixed_processors" {
  command = plan
  variables {
    nodes = { instance_types = ["m7g.large", "m7i.large"], min = 2, desired = 3, max = 12 }
  }
  expect_failures = [var.nodes]
}

run "refuses_identity_with_wildcard_account" {
  command = plan
  variables {
    workload_identities = { orders = { namespace = "shop", service_account = "*", policy = "{\"Statement\":[]}" } }
  }
  expect_failures = [var.workload_identities]
}

run "refuses_identity_without_policy" {
  command = plan
  variables {
    workload_identities = { orders = { namespace = "shop", service_account = "orders", policy = "admin" } }
  }
  expect_failures = [var.workload_identities]
}

run "refuses_identity_that_may_do_everything" {
  command = plan
  variables {
    workload_identities = { orders = { namespace = "shop", service_account = "orders", policy = "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}" } }
  }
  expect_failures = [var.workload_identities]
}

run "refuses_user_as_administrator" {
  command = plan
  variables {
    admin_role_arns = { me = "arn:aws:iam::123456789012:user/me" }
  }
  expect_failures = [var.admin_role_arns]
}

run "refuses_keys_that_are_no_arns" {
  command = plan
  variables {
    key_arns = { cluster = "alias/cluster", logs = "alias/logs" }
  }
  expect_failures = [var.key_arns]
}

run "a_role_also_trusts_the_other_cluster_where_it_is_named" {
  command = apply
  variables {
    peer_trust = { issuer_url = "https://westeurope.oic.prod-aks.azure.com/11111111-1111-1111-1111-111111111111/abc/", identities = ["orders"] }
  }

  assert {
    condition     = jsondecode(aws_iam_role.workload["orders"].assume_role_policy).Statement[1].Condition.StringEquals["westeurope.oic.prod-aks.azure.com/11111111-1111-1111-1111-111111111111/abc/:sub"] == "system:serviceaccount:shop:orders" && length(jsondecode(aws_iam_role.workload["vpc-cni"].assume_role_policy).Statement) == 1
    error_message = "The same service account of the other cluster, and no other identity."
  }
}

run "refuses_peer_that_is_no_issuer" {
  command = plan
  variables {
    peer_trust = { issuer_url = "oidc.example.com", identities = ["orders"] }
  }
  expect_failures = [var.peer_trust]
}

run "refuses_peer_of_an_unknown_identity" {
  command = plan
  variables {
    peer_trust = { issuer_url = "https://westeurope.oic.prod-aks.azure.com/11111111-1111-1111-1111-111111111111/abc/", identities = ["everything"] }
  }
  expect_failures = [var.peer_trust]
}
