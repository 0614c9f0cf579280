# Who did what in the account. It stands here, not in the site's stack: it belongs to the account, and whoever
# destroys the site must not destroy the record of it.
resource "aws_kms_key" "trail" {
  count = var.trail ? 1 : 0

  description             = "${local.context.name} CloudTrail"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = merge(local.context.tags, { Name = "${local.context.name}-trail" })
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountDecidesByIam"
      Effect    = "Allow"
      Principal = { AWS = local.account }
      Action    = "kms:*"
      Resource  = "*"
      }, {
      Sid       = "TrailEncrypts"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = ["kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
    }]
  })
}

locals {
  trail_arn = "arn:aws:cloudtrail:${var.region}:${var.account_id}:trail/${local.context.name}"
}

resource "aws_s3_bucket" "trail" {
  count = var.trail ? 1 : 0

  bucket              = local.buckets.trail
  force_destroy       = false
  object_lock_enabled = true
  tags                = local.context.tags
}

resource "aws_s3_bucket_public_access_block" "trail" {
  count = var.trail ? 1 : 0

  bucket                  = aws_s3_bucket.trail[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.trail[0].arn
    }
  }
}

# Written once, read often, changed by nobody until its time is up.
resource "aws_s3_bucket_object_lock_configuration" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 90
    }
  }

  depends_on = [aws_s3_bucket_versioning.trail]
}

resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  rule {
    id     = "age"
    status = "Enabled"
    filter {}
    expiration {
      days = var.trail_retention_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.trail[0].arn, "${aws_s3_bucket.trail[0].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }, {
      Sid       = "TrailReadsAcl"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "s3:GetBucketAcl"
      Resource  = aws_s3_bucket.trail[0].arn
      Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      }, {
      Sid       = "TrailWrites"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.trail[0].arn}/AWSLogs/${var.account_id}/*"
      Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn, "s3:x-amz-acl" = "bucket-owner-full-control" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.trail]
}

resource "aws_cloudtrail" "this" {
  count = var.trail ? 1 : 0

  name                          = local.context.name
  s3_bucket_name                = aws_s3_bucket.trail[0].id
  kms_key_id                    = aws_kms_key.trail[0].arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  tags                          = local.context.tags

  depends_on = [aws_s3_bucket_policy.trail]
}
