output "zone_id" {
  description = "Hosted zone of the record."
  value       = local.zone_id
}

output "name_servers" {
  description = "Servers to delegate the zone to; empty for a zone that existed."
  value       = try(aws_route53_zone.this[0].name_servers, [])
}

output "record_name" {
  description = "Name clients resolve."
  value       = var.record_name
}

output "health_check_ids" {
  description = "Health checks by site, for alarms and for CloudPhoenix to read."
  value       = { for site, check in aws_route53_health_check.site : site => check.id }
}
