resource "aws_security_group" "this" {
  name_prefix = "${var.context.name}-database-"
  description = "PostgreSQL of ${var.context.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.context.tags, { Name = "${var.context.name}-database" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = var.clients.security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from ${each.key}"
  referenced_security_group_id = each.value
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
  tags                         = var.context.tags
}

resource "aws_vpc_security_group_ingress_rule" "peer" {
  for_each = var.clients.peer_cidrs

  security_group_id = aws_security_group.this.id
  description       = "Replication from ${each.key} through the tunnel"
  cidr_ipv4         = each.value
  from_port         = 5432
  to_port           = 5432
  ip_protocol       = "tcp"
  tags              = var.context.tags
}

# As a subscriber this server connects to the other site's.
resource "aws_vpc_security_group_egress_rule" "peer" {
  for_each = var.clients.peer_cidrs

  security_group_id = aws_security_group.this.id
  description       = "Subscription to ${each.key} through the tunnel"
  cidr_ipv4         = each.value
  from_port         = 5432
  to_port           = 5432
  ip_protocol       = "tcp"
  tags              = var.context.tags
}
