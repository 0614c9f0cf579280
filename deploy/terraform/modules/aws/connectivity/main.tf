# IPsec to the other cloud: IKEv2, AES-256-GCM, no weaker proposal offered. AWS makes the pre-shared keys
# and keeps them in Secrets Manager; they never pass through a variable or this state.
locals {
  peers  = { for index, address in var.peer_gateway_addresses : tostring(index + 1) => address }
  routes = { for pair in setproduct(keys(local.peers), var.peer_cidrs) : "${pair[0]} ${pair[1]}" => { connection = pair[0], cidr = pair[1] } }
}

resource "aws_vpn_gateway" "this" {
  vpc_id = var.vpc_id
  tags   = merge(var.context.tags, { Name = "${var.context.name}-peer" })
}

resource "aws_vpn_gateway_route_propagation" "this" {
  for_each = var.route_table_ids

  vpn_gateway_id = aws_vpn_gateway.this.id
  route_table_id = each.value
}

resource "aws_customer_gateway" "this" {
  for_each = local.peers

  type       = "ipsec.1"
  bgp_asn    = 65515
  ip_address = each.value
  tags       = merge(var.context.tags, { Name = "${var.context.name}-peer-${each.key}" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "tunnel" {
  name              = "/${var.context.name}/vpn"
  retention_in_days = var.context.protection.log_retention_days
  kms_key_id        = var.log_key_arn
  tags              = var.context.tags
}

resource "aws_vpn_connection" "this" {
  for_each = local.peers

  type                     = "ipsec.1"
  vpn_gateway_id           = aws_vpn_gateway.this.id
  customer_gateway_id      = aws_customer_gateway.this[each.key].id
  static_routes_only       = true
  preshared_key_storage    = "SecretsManager"
  local_ipv4_network_cidr  = "0.0.0.0/0"
  remote_ipv4_network_cidr = "0.0.0.0/0"
  tags                     = merge(var.context.tags, { Name = "${var.context.name}-peer-${each.key}" })

  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-384"]
  tunnel1_phase1_dh_group_numbers      = [20]
  tunnel1_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-384"]
  tunnel1_phase2_dh_group_numbers      = [20]
  tunnel1_startup_action               = "start"
  tunnel1_dpd_timeout_action           = "restart"

  tunnel2_ike_versions                 = ["ikev2"]
  tunnel2_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase1_integrity_algorithms  = ["SHA2-384"]
  tunnel2_phase1_dh_group_numbers      = [20]
  tunnel2_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase2_integrity_algorithms  = ["SHA2-384"]
  tunnel2_phase2_dh_group_numbers      = [20]
  tunnel2_startup_action               = "start"
  tunnel2_dpd_timeout_action           = "restart"

  tunnel1_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = aws_cloudwatch_log_group.tunnel.arn
    }
  }

  tunnel2_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = aws_cloudwatch_log_group.tunnel.arn
    }
  }
}

resource "aws_vpn_connection_route" "this" {
  for_each = local.routes

  vpn_connection_id      = aws_vpn_connection.this[each.value.connection].id
  destination_cidr_block = each.value.cidr
}
