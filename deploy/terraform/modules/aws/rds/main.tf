# A replaced parameter group or security group is made before the old one goes: the instance always has one.
resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.context.name}-"
  family      = "postgres${var.engine_version}"
  description = "Logical replication between clouds, TLS only"
  tags        = var.context.tags

  dynamic "parameter" {
    for_each = local.parameters
    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = parameter.value.restart ? "pending-reboot" : "immediate"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  parameters = {
    "rds.force_ssl"                   = { value = "1", restart = false }
    "rds.logical_replication"         = { value = "1", restart = true }
    "max_replication_slots"           = { value = tostring(var.logical_replication.max_slots), restart = true }
    "max_wal_senders"                 = { value = tostring(var.logical_replication.max_slots + 5), restart = true }
    "max_logical_replication_workers" = { value = "16", restart = true }
    "max_worker_processes"            = { value = "32", restart = true }
    "max_slot_wal_keep_size"          = { value = tostring(var.logical_replication.slot_wal_keep_mib), restart = false }
    "wal_sender_timeout"              = { value = "15000", restart = false }
    "log_connections"                 = { value = "1", restart = false }
    "log_lock_waits"                  = { value = "1", restart = false }
    "log_min_duration_statement"      = { value = "1000", restart = false }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${var.context.name}/${each.key}"
  retention_in_days = var.context.protection.log_retention_days
  kms_key_id        = var.key_arns.logs
  tags              = var.context.tags
}

resource "aws_db_instance" "this" {
  identifier     = var.context.name
  engine         = "postgres"
  engine_version = tostring(var.engine_version)
  instance_class = var.instance.class
  db_name        = var.database_name
  port           = 5432

  # The password is made, kept and rotated by the service; it is in no variable and no state.
  username                            = "cloudphoenix_admin"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = var.key_arns.secrets
  iam_database_authentication_enabled = true
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"

  storage_type          = "gp3"
  allocated_storage     = var.instance.storage_gib
  max_allocated_storage = var.instance.max_storage_gib
  storage_encrypted     = true
  kms_key_id            = var.key_arns.database

  db_subnet_group_name   = var.subnet_group_name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  multi_az               = var.context.protection.multi_zone
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period   = var.context.protection.backup_retention_days
  backup_window             = var.maintenance.backup
  maintenance_window        = var.maintenance.weekly
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !var.context.protection.deletion_protection
  deletion_protection       = var.context.protection.deletion_protection
  skip_final_snapshot       = !var.context.protection.deletion_protection
  final_snapshot_identifier = "${var.context.name}-final"

  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false
  apply_immediately           = false

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arns.database
  performance_insights_retention_period = 7
  monitoring_interval                   = 30
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]

  tags = merge(var.context.tags, { backup = "daily" })

  lifecycle {
    ignore_changes = [allocated_storage]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_iam_role" "monitoring" {
  name_prefix = "${var.context.name}-rds-"
  description = "Enhanced monitoring of the database"
  tags        = var.context.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
