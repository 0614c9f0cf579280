# What pods may ask of AWS, each the least it needs.
locals {
  database_arn  = "arn:aws:rds:${var.region}:${var.account_id}:db:${local.context.name}"
  nodegroup_arn = "arn:aws:eks:${var.region}:${var.account_id}:nodegroup/${local.context.name}/*/*"

  workload_identities = {
    external-secrets = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "external-secrets"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = values(module.secrets.arns)
          }, {
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [module.kms.key_arns["secrets"]]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        }]
      })
    }

    controller = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "controller"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect   = "Allow"
          Action   = ["rds:DescribeDBInstances", "rds:RebootDBInstance"]
          Resource = [local.database_arn]
          }, {
          Effect   = "Allow"
          Action   = ["eks:DescribeNodegroup", "eks:UpdateNodegroupConfig"]
          Resource = [local.nodegroup_arn]
          }, {
          # These two have no resource to name.
          Effect   = "Allow"
          Action   = ["cloudwatch:DescribeAlarms", "elasticloadbalancing:DescribeTargetHealth"]
          Resource = ["*"]
        }]
      })
    }

    # Copies objects between the clouds and reads the hints about changed ones.
    worker = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "worker"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect = "Allow"
          Action = [
            "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject",
            # Without the first, S3 does not even say that an object has tags.
            "s3:GetObjectTagging", "s3:PutObjectTagging",
            # Large objects go up in parts, and are gone on with after a crash.
            "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload",
          ]
          Resource = ["${module.documents.arn}/*"]
          }, {
          Effect = "Allow"
          # Encryption tells whether an ETag is an MD5.
          Action   = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"]
          Resource = [module.documents.arn]
          }, {
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
          Resource = [module.documents.event_queue_arn]
          }, {
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = [module.kms.key_arns["storage"]]
        }]
      })
    }

    # Writes receipts and reads them back.
    orders = {
      namespace       = var.kubernetes.application_namespace
      service_account = "orders"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["${module.documents.arn}/*"]
          }, {
          # Without it a missing object answers 403, which cannot be told from a missing right.
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = [module.documents.arn]
          }, {
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = [module.kms.key_arns["storage"]]
        }]
      })
    }
  }
}
