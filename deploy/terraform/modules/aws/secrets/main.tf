# Containers for secrets. Whoever may read one is granted that by name in its own IAM policy; the policy
# here only refuses everybody outside the account and every connection without TLS.
resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = "${var.context.name}/${each.key}"
  description             = each.value.description
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.context.protection.deletion_protection ? 30 : 7
  tags                    = var.context.tags
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = aws_secretsmanager_secret.this

  secret_arn          = each.value.arn
  block_public_policy = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OtherAccounts"
      Effect    = "Deny"
      Principal = "*"
      Action    = "secretsmanager:*"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:PrincipalAccount" = var.account_id }, BoolIfExists = { "aws:PrincipalIsAWSService" = "false" } }
      }, {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "secretsmanager:*"
      Resource  = "*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_secretsmanager_secret_rotation" "this" {
  for_each = { for name, secret in var.secrets : name => secret.rotation if secret.rotation != null }

  secret_id           = aws_secretsmanager_secret.this[each.key].id
  rotation_lambda_arn = each.value.lambda_arn

  rotation_rules {
    automatically_after_days = each.value.days
  }
}
