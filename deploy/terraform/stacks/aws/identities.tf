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

    objects = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "objects"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]
          Resource = ["${module.documents.arn}/*"]
          }, {
          Effect   = "Allow"
          Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
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
  }
}
