module "settings" {
  source = "../../modules/settings"

  application = var.application
  environment = var.environment
  cloud       = "aws"
  region      = var.region
  owner       = var.owner
  cost_center = var.cost_center
}

locals {
  context = module.settings.context
  account = "arn:aws:iam::${var.account_id}:root"
  buckets = merge({ state = "${local.context.name}-state-${var.account_id}" }, var.trail ? { trail = "${local.context.name}-trail-${var.account_id}" } : {})
}

# One key for the state, one for the trail: who may change infrastructure must not be able to unlock its log.
resource "aws_kms_key" "state" {
  description             = "${local.context.name} Terraform state"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = merge(local.context.tags, { Name = "${local.context.name}-state" })
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountDecidesByIam"
      Effect    = "Allow"
      Principal = { AWS = local.account }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  # A state without its key is lost.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "state" {
  name          = "alias/${local.context.name}-state"
  target_key_id = aws_kms_key.state.key_id
}

resource "aws_s3_bucket" "state" {
  bucket        = local.buckets.state
  force_destroy = false
  tags          = local.context.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "old-states"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days           = 365
      newer_noncurrent_versions = 50
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

# Locks are objects beside the state (use_lockfile): no table to pay for and none to forget.
resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }, {
      Sid       = "NamedRolesOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      Resource  = ["${aws_s3_bucket.state.arn}/*"]
      Condition = { ArnNotLike = { "aws:PrincipalArn" = concat([local.account], sort(var.state_role_arns)) } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}
