locals {
  # Services that use a key on their own behalf. Everything else is granted through IAM policies.
  services = {
    logs    = ["logs.${var.context.region}.amazonaws.com"]
    storage = ["s3.amazonaws.com", "sns.amazonaws.com", "cloudwatch.amazonaws.com"]
    backup  = ["backup.amazonaws.com"]
  }

  owner_statement = {
    Sid       = "AccountDecidesByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }
}

resource "aws_kms_key" "this" {
  for_each = var.purposes

  description             = "${var.context.name} ${each.key}"
  enable_key_rotation     = true
  rotation_period_in_days = 365
  deletion_window_in_days = var.deletion_window_days
  tags                    = merge(var.context.tags, { Name = "${var.context.name}-${each.key}" })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([local.owner_statement], [
      for service in lookup(local.services, each.key, []) : {
        Sid       = "Use${replace(title(replace(split(".", service)[0], "-", " ")), " ", "")}"
        Effect    = "Allow"
        Principal = { Service = service }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = startswith(service, "logs.") ? {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.context.region}:${var.account_id}:*" }
          } : {
          StringEquals = { "aws:SourceAccount" = var.account_id }
        }
      }
    ])
  })
}

resource "aws_kms_alias" "this" {
  for_each = var.purposes

  name          = "alias/${var.context.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
