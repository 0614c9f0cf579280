output "arns" {
  description = "ARN by name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "names" {
  description = "Full name by short name, as External Secrets takes it."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}
