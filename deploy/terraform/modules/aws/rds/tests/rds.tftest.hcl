mock_provider "aws" {
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "shop-prod.abc.eu-central-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
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
  vpc_id            = "vpc-1"
  subnet_group_name = "shop-prod-database"
  engine_version    = 17
  instance          = { class = "db.m7g.large", storage_gib = 100, max_storage_gib = 500 }
  clients           = { security_group_ids = { nodes = "sg-nodes" }, peer_cidrs = { azure = "10.40.0.0/16" } }
  key_arns          = { database = "arn:aws:kms:eu-central-1:123456789012:key/d", secrets = "arn:aws:kms:eu-central-1:123456789012:key/s", logs = "arn:aws:kms:eu-central-1:123456789012:key/l" }
}

run "production_is_redundant_encrypted_private_and_protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible
    error_message = "Two zones, encrypted, not public."
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 35 && !aws_db_instance.this.delete_automated_backups
    error_message = "It is not deleted by accident, and if it is, its backups stay."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "The password belongs to the service."
  }
}

run "it_can_publish_and_subscribe_over_tls_only" {
  command = plan

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["rds.logical_replication"] == "1" && { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1"
    error_message = "Logical replication is on, connections without TLS are refused."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.peer["azure"].cidr_ipv4 == "10.40.0.0/16" && aws_vpc_security_group_egress_rule.peer["azure"].to_port == 5432
    error_message = "The other cloud gets in, and this server gets there, on the database's port only."
  }
}

run "outputs_lead_to_the_password_without_showing_it" {
  command = apply

  assert {
    condition     = output.admin_secret_arn == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds" && output.admin_username == "cloudphoenix_admin"
    error_message = "Outputs name the secret."
  }
}

run "development_is_small_and_removable" {
  command = plan
  variables {
    instance = { class = "db.t4g.medium", storage_gib = 20, max_storage_gib = 100 }
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "eu-central-1"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = !aws_db_instance.this.multi_az && !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "Development may be thrown away."
  }
}

run "refuses_old_postgresql" {
  command = plan
  variables {
    engine_version = 13
  }
  expect_failures = [var.engine_version]
}

run "refuses_peer_two_majors_apart" {
  command = plan
  variables {
    peer_engine_version = 15
  }
  expect_failures = [var.peer_engine_version]
}

run "refuses_class_that_does_not_exist" {
  command = plan
  variables {
    instance = { class = "db.huge", storage_gib = 100, max_storage_gib = 500 }
  }
  expect_failures = [var.instance]
}

run "refuses_burstable_class_in_production" {
  command = plan
  variables {
    instance = { class = "db.t4g.medium", storage_gib = 100, max_storage_gib = 500 }
  }
  expect_failures = [var.instance]
}

run "refuses_storage_below_minimum" {
  command = plan
  variables {
    instance = { class = "db.m7g.large", storage_gib = 5, max_storage_gib = 500 }
  }
  expect_failures = [var.instance]
}

run "refuses_storage_that_cannot_grow" {
  command = plan
  variables {
    instance = { class = "db.m7g.large", storage_gib = 100, max_storage_gib = 110 }
  }
  expect_failures = [var.instance]
}

run "refuses_database_without_clients" {
  command = plan
  variables {
    clients = {}
  }
  expect_failures = [var.clients]
}

run "refuses_replication_over_the_internet" {
  command = plan
  variables {
    clients = { peer_cidrs = { azure = "20.50.0.0/16" } }
  }
  expect_failures = [var.clients]
}

run "refuses_all_private_addresses_as_peer" {
  command = plan
  variables {
    clients = { peer_cidrs = { azure = "10.0.0.0/8" } }
  }
  expect_failures = [var.clients]
}

run "refuses_too_few_slots" {
  command = plan
  variables {
    logical_replication = { max_slots = 2 }
  }
  expect_failures = [var.logical_replication]
}

run "refuses_slots_that_fill_the_disk" {
  command = plan
  variables {
    logical_replication = { slot_wal_keep_mib = 400000 }
  }
  expect_failures = [var.logical_replication]
}

run "refuses_database_of_the_server" {
  command = plan
  variables {
    database_name = "postgres"
  }
  expect_failures = [var.database_name]
}

run "refuses_maintenance_window_in_words" {
  command = plan
  variables {
    maintenance = { weekly = "sunday night" }
  }
  expect_failures = [var.maintenance]
}

run "refuses_keys_that_are_no_arns" {
  command = plan
  variables {
    key_arns = { database = "d", secrets = "s", logs = "l" }
  }
  expect_failures = [var.key_arns]
}

