output "entry_addresses" {
  description = "Fixed public addresses, one a zone; the DNS record of the active site points to them."
  value       = [for address in aws_eip.entry : address.public_ip]
}

output "arn" {
  description = "Application load balancer; the WAF is attached to it."
  value       = aws_lb.this.arn
}

output "arn_suffix" {
  description = "Name of the application load balancer in CloudWatch."
  value       = aws_lb.this.arn_suffix
}

output "pod_target_group_arn" {
  description = "Target group; goes into the TargetGroupBinding of the cluster."
  value       = aws_lb_target_group.pods.arn
}

output "host_target_group_arns" {
  description = "Target groups of `hosts`, by name; each goes into a TargetGroupBinding of its own."
  value       = { for name, group in aws_lb_target_group.host : name => group.arn }
}

output "pod_target_group_arn_suffix" {
  description = "Name of the target group in CloudWatch."
  value       = aws_lb_target_group.pods.arn_suffix
}

output "security_group_id" {
  description = "Group of the load balancer; pods accept connections from it."
  value       = aws_security_group.this.id
}
