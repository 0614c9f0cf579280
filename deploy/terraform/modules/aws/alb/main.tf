# Users meet a network load balancer with fixed addresses (a DNS record needs addresses that outlive the
# load balancer); it passes connections to the application load balancer, which ends TLS and carries the WAF.
resource "aws_security_group" "this" {
  name_prefix = "${var.context.name}-alb-"
  description = "Public entry: HTTPS only"
  vpc_id      = var.vpc_id
  tags        = merge(var.context.tags, { Name = "${var.context.name}-alb" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "HTTPS from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  tags              = merge(var.context.tags, { exposure = "public-https" })
}

resource "aws_vpc_security_group_egress_rule" "pods" {
  security_group_id = aws_security_group.this.id
  description       = "Pods of the application"
  cidr_ipv4         = var.vpc_cidr
  from_port         = var.target.port
  to_port           = var.target.port
  ip_protocol       = "tcp"
  tags              = var.context.tags
}

resource "aws_lb" "this" {
  name                       = "${var.context.name}-app"
  load_balancer_type         = "application"
  internal                   = true
  subnets                    = var.public_subnet_ids
  security_groups            = [aws_security_group.this.id]
  enable_deletion_protection = var.context.protection.deletion_protection
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_http2               = true
  idle_timeout               = 60
  tags                       = var.context.tags

  dynamic "access_logs" {
    for_each = var.access_log_bucket == null ? [] : [var.access_log_bucket]
    content {
      bucket  = access_logs.value
      prefix  = var.context.name
      enabled = true
    }
  }
}

resource "aws_lb_target_group" "pods" {
  name_prefix          = "pods-"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  port                 = var.target.port
  protocol             = "HTTP"
  deregistration_delay = 30
  tags                 = var.context.tags

  health_check {
    path                = var.target.health_path
    protocol            = "HTTP"
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = var.tls_policy
  certificate_arn   = var.certificate_arn
  tags              = var.context.tags

  # What is public leads to pods: paths.tf.
  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}
