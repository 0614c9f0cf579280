# Replication copies mistakes as fast as orders; only a backup brings back yesterday.
resource "aws_backup_vault" "this" {
  name          = var.context.name
  kms_key_arn   = var.key_arn
  force_destroy = false
  tags          = var.context.tags
}

# In production the lock becomes final after the grace time; elsewhere an administrator can remove it.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.context.protection.deletion_protection ? 1 : 0

  backup_vault_name   = aws_backup_vault.this.name
  min_retention_days  = 7
  max_retention_days  = var.monthly_retention_days
  changeable_for_days = var.context.environment == "production" ? var.lock_grace_days : null
}

resource "aws_backup_plan" "this" {
  name = var.context.name
  tags = var.context.tags

  rule {
    rule_name                = "daily"
    target_vault_name        = aws_backup_vault.this.name
    schedule                 = "cron(0 4 * * ? *)"
    start_window             = 60
    completion_window        = 240
    enable_continuous_backup = var.copy_vault_arn == null
    recovery_point_tags      = var.context.tags

    lifecycle {
      delete_after = var.context.protection.backup_retention_days
    }

    dynamic "copy_action" {
      for_each = var.copy_vault_arn == null ? [] : [var.copy_vault_arn]
      content {
        destination_vault_arn = copy_action.value
        lifecycle {
          delete_after = var.context.protection.backup_retention_days
        }
      }
    }
  }

  rule {
    rule_name           = "monthly"
    target_vault_name   = aws_backup_vault.this.name
    schedule            = "cron(0 5 1 * ? *)"
    start_window        = 60
    completion_window   = 480
    recovery_point_tags = var.context.tags

    lifecycle {
      delete_after = var.monthly_retention_days
    }
  }
}

resource "aws_iam_role" "this" {
  name_prefix = "${var.context.name}-backup-"
  description = "Takes and restores backups"
  tags        = var.context.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = toset([
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore",
  ])

  role       = aws_iam_role.this.name
  policy_arn = each.value
}

# Both conditions: a tag alone would also take another application's data.
resource "aws_backup_selection" "this" {
  name         = "${var.context.name}-daily"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this.arn
  resources    = ["*"]

  condition {
    string_equals {
      key   = "aws:ResourceTag/backup"
      value = "daily"
    }
    string_equals {
      key   = "aws:ResourceTag/application"
      value = var.context.tags["application"]
    }
    string_equals {
      key   = "aws:ResourceTag/environment"
      value = var.context.environment
    }
  }
}
