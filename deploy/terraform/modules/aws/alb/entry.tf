resource "aws_eip" "entry" {
  for_each = { for index, subnet in var.public_subnet_ids : tostring(index) => subnet }

  domain = "vpc"
  tags   = merge(var.context.tags, { Name = "${var.context.name}-entry-${each.key}" })
}

resource "aws_lb" "entry" {
  name                             = "${var.context.name}-entry"
  load_balancer_type               = "network"
  internal                         = false
  security_groups                  = [aws_security_group.entry.id]
  enable_deletion_protection       = var.context.protection.deletion_protection
  enable_cross_zone_load_balancing = true
  tags                             = var.context.tags

  dynamic "subnet_mapping" {
    for_each = { for index, subnet in var.public_subnet_ids : tostring(index) => subnet }
    content {
      subnet_id     = subnet_mapping.value
      allocation_id = aws_eip.entry[subnet_mapping.key].id
    }
  }
}

resource "aws_security_group" "entry" {
  name_prefix = "${var.context.name}-entry-"
  description = "Public entry with fixed addresses: HTTPS only"
  vpc_id      = var.vpc_id
  tags        = merge(var.context.tags, { Name = "${var.context.name}-entry" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "entry_https" {
  security_group_id = aws_security_group.entry.id
  description       = "HTTPS from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  tags              = merge(var.context.tags, { exposure = "public-https" })
}

resource "aws_vpc_security_group_egress_rule" "entry" {
  security_group_id            = aws_security_group.entry.id
  description                  = "The application load balancer"
  referenced_security_group_id = aws_security_group.this.id
  from_port                    = 443
  to_port                      = 443
  ip_protocol                  = "tcp"
  tags                         = var.context.tags
}

resource "aws_lb_target_group" "app" {
  name_prefix = "app-"
  vpc_id      = var.vpc_id
  target_type = "alb"
  port        = 443
  protocol    = "TCP"
  tags        = var.context.tags

  health_check {
    protocol            = "HTTPS"
    path                = var.target.health_path
    matcher             = "200-399"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_target_group_attachment" "app" {
  target_group_arn = aws_lb_target_group.app.arn
  target_id        = aws_lb.this.arn
  port             = 443

  depends_on = [aws_lb_listener.https]
}

resource "aws_lb_listener" "entry" {
  load_balancer_arn = aws_lb.entry.arn
  port              = 443
  protocol          = "TCP"
  tags              = var.context.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }
}
