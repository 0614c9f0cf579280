# Queries for the other cloud's private zones go through the tunnel to its resolver, so that TLS can
# check the server's name instead of an address.
resource "aws_security_group" "resolver" {
  count = var.peer_dns == null ? 0 : 1

  name_prefix = "${var.context.name}-resolver-"
  description = "Outbound DNS to the other cloud"
  vpc_id      = var.vpc_id
  tags        = merge(var.context.tags, { Name = "${var.context.name}-resolver" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "resolver" {
  for_each = var.peer_dns == null ? {} : {
    for pair in setproduct(var.peer_dns.resolver_addresses, ["tcp", "udp"]) : "${pair[0]} ${pair[1]}" => { address = pair[0], protocol = pair[1] }
  }

  security_group_id = aws_security_group.resolver[0].id
  description       = "DNS to the other cloud's resolver"
  cidr_ipv4         = "${each.value.address}/32"
  from_port         = 53
  to_port           = 53
  ip_protocol       = each.value.protocol
  tags              = var.context.tags
}

resource "aws_route53_resolver_endpoint" "this" {
  count = var.peer_dns == null ? 0 : 1

  name               = "${var.context.name}-peer"
  direction          = "OUTBOUND"
  security_group_ids = [aws_security_group.resolver[0].id]
  tags               = var.context.tags

  dynamic "ip_address" {
    for_each = slice(var.peer_dns.subnet_ids, 0, 2)
    content {
      subnet_id = ip_address.value
    }
  }
}

resource "aws_route53_resolver_rule" "this" {
  for_each = var.peer_dns == null ? toset([]) : var.peer_dns.domains

  name                 = "${var.context.name}-${replace(each.key, ".", "-")}"
  domain_name          = each.key
  rule_type            = "FORWARD"
  resolver_endpoint_id = aws_route53_resolver_endpoint.this[0].id
  tags                 = var.context.tags

  dynamic "target_ip" {
    for_each = var.peer_dns.resolver_addresses
    content {
      ip = target_ip.value
    }
  }
}

resource "aws_route53_resolver_rule_association" "this" {
  for_each = aws_route53_resolver_rule.this

  name             = each.value.name
  resolver_rule_id = each.value.id
  vpc_id           = var.vpc_id
}
