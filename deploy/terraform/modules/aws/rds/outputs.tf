output "address" {
  description = "Host name of the database; private."
  value       = aws_db_instance.this.address
}

output "database_name" {
  description = "Database of the application."
  value       = var.database_name
}

output "identifier" {
  description = "Identifier of the instance, for alarms and restarts."
  value       = aws_db_instance.this.identifier
}

output "arn" {
  description = "ARN of the instance, for backups."
  value       = aws_db_instance.this.arn
}

output "admin_username" {
  description = "Role that owns the database."
  value       = aws_db_instance.this.username
}

output "admin_secret_arn" {
  description = "Secrets Manager entry with the password of `admin_username`."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.this.id
}
