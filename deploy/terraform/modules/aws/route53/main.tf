# Both answers are in place before they are needed. Health alone moves nobody: a site may look dead while
# it still writes, so users follow the switch, which is thrown once the old site is fenced and the new one promoted.
# Pattern: "standby takes over primary",
# https://aws.amazon.com/blogs/networking-and-content-delivery/creating-disaster-recovery-mechanisms-using-amazon-route-53/
resource "aws_route53_zone" "this" {
  count = var.create_zone ? 1 : 0

  name    = var.zone_name
  comment = "${var.context.name}: users follow the active site"
  tags    = var.context.tags
}

data "aws_route53_zone" "existing" {
  count = var.create_zone ? 0 : 1

  name         = var.zone_name
  private_zone = false
}

locals {
  zone_id   = var.create_zone ? aws_route53_zone.this[0].zone_id : data.aws_route53_zone.existing[0].zone_id
  switch    = regex("^https://(?P<host>[^/]+)(?P<path>/.+)$", var.switch_url)
  positions = { primary = "PRIMARY", secondary = "SECONDARY" }
}

# Inverted: the primary counts as healthy while the switch object is absent.
resource "aws_route53_health_check" "switch" {
  type               = "HTTPS"
  fqdn               = local.switch.host
  port               = 443
  resource_path      = local.switch.path
  enable_sni         = true
  invert_healthcheck = true
  request_interval   = 10
  failure_threshold  = 2
  tags               = merge(var.context.tags, { Name = "${var.context.name}-switch" })
}

# Only watched (metrics and alarms), never followed.
resource "aws_route53_health_check" "site" {
  for_each = var.sites

  type              = "HTTPS"
  fqdn              = each.value.health_host
  ip_address        = each.value.addresses[0]
  port              = 443
  resource_path     = each.value.health_path
  enable_sni        = true
  request_interval  = 10
  failure_threshold = 3
  measure_latency   = true
  tags              = merge(var.context.tags, { Name = "${var.context.name}-${each.key}" })
}

resource "aws_route53_record" "site" {
  for_each = var.sites

  zone_id         = local.zone_id
  name            = var.record_name
  type            = "A"
  ttl             = var.ttl_seconds
  records         = each.value.addresses
  set_identifier  = each.key
  health_check_id = each.key == "primary" ? aws_route53_health_check.switch.id : null

  failover_routing_policy {
    type = local.positions[each.key]
  }
}
