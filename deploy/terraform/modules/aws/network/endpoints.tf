resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.context.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([for table in aws_route_table.node : table.id], [aws_route_table.database.id])
  tags              = merge(var.context.tags, { Name = "${var.context.name}-s3" })
}

resource "aws_security_group" "endpoints" {
  name_prefix = "${var.context.name}-endpoints-"
  description = "Private endpoints of AWS services"
  vpc_id      = aws_vpc.this.id
  tags        = merge(var.context.tags, { Name = "${var.context.name}-endpoints" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "TLS from inside the VPC"
  cidr_ipv4         = var.cidr
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  tags              = var.context.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.context.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.node : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  tags                = merge(var.context.tags, { Name = "${var.context.name}-${each.key}" })
}
