output "vpc_id" {
  description = "VPC everything in this site is in."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Range of the VPC; the other cloud's `peer_cidrs`."
  value       = var.cidr
}

output "node_subnet_ids" {
  description = "Private subnets for nodes and pods, one a zone."
  value       = [for subnet in aws_subnet.node : subnet.id]
}

output "public_subnet_ids" {
  description = "Subnets for public load balancers."
  value       = [for subnet in aws_subnet.public : subnet.id]
}

output "database_subnet_group_name" {
  description = "Subnet group without a way to the internet."
  value       = aws_db_subnet_group.this.name
}

output "private_route_table_ids" {
  description = "Tables that learn the way to the other cloud, by a name known before anything is made."
  value       = merge({ database = aws_route_table.database.id }, { for zone, table in aws_route_table.node : "node-${zone}" => table.id })
}

output "endpoint_security_group_id" {
  description = "Security group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}
