# What may be asked for, by service; everything else is answered 404 by the listener itself. A list of what is closed
# would not do: services decode paths, the balancer does not, and /%6detrics would pass it.
locals {
  # A rule of the listener takes five values, the host among them.
  default_paths = { for index, paths in chunklist(var.public_paths.default, 5) : tostring(index) => paths }
  host_paths = merge([
    for name, host in var.hosts : {
      for index, paths in chunklist(lookup(var.public_paths, name, []), 4) :
      "${name}-${index}" => { name = name, host = host, paths = paths }
    }
  ]...)
}

resource "aws_lb_listener_rule" "default" {
  for_each = local.default_paths

  listener_arn = aws_lb_listener.https.arn
  # Behind those of hosts.
  priority = 1000 + tonumber(each.key)
  tags     = var.context.tags

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.pods.arn
  }

  condition {
    path_pattern {
      values = each.value
    }
  }
}

resource "aws_lb_listener_rule" "host" {
  for_each = local.host_paths

  listener_arn = aws_lb_listener.https.arn
  priority     = 100 + index(sort(keys(local.host_paths)), each.key)
  tags         = var.context.tags

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.host[each.value.name].arn
  }

  condition {
    host_header {
      values = [each.value.host]
    }
  }

  condition {
    path_pattern {
      values = each.value.paths
    }
  }
}

# A path that only another service has is no path of this host.
resource "aws_lb_listener_rule" "host_rest" {
  for_each = var.hosts

  listener_arn = aws_lb_listener.https.arn
  priority     = 900 + index(sort(keys(var.hosts)), each.key)
  tags         = var.context.tags

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }

  condition {
    host_header {
      values = [each.value]
    }
  }
}
