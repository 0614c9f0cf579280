output "web_acl_name" {
  description = "Name of the web ACL in CloudWatch."
  value       = aws_wafv2_web_acl.this.name
}
