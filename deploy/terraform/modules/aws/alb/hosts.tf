# Other services of the application behind the same entry, each asked for by a name of its own.
resource "aws_lb_target_group" "host" {
  for_each = var.hosts

  name_prefix          = "${substr(each.key, 0, 5)}-"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  port                 = var.target.port
  protocol             = "HTTP"
  deregistration_delay = 30
  tags                 = merge(var.context.tags, { Name = "${var.context.name}-${each.key}" })

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
