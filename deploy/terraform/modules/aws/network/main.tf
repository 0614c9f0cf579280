# The range is cut in eighths: 0 to 3 for nodes and pods, one a zone; the seventh in eight for load
# balancers, the eighth in eight for databases. A /16 gives /19 for nodes and /22 for the others.
locals {
  zones = { for index, zone in var.availability_zones : zone => index }

  node_cidrs     = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 3, index) }
  public_cidrs   = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 6, 48 + index) }
  database_cidrs = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 6, 56 + index) }

  nat_zones = {
    none     = toset([])
    single   = toset([var.availability_zones[0]])
    per-zone = toset(var.availability_zones)
  }[var.nat_gateways]
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags                 = merge(var.context.tags, { Name = var.context.name })
}

# Whatever forgets to name a security group gets one that allows nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.context.tags, { Name = "${var.context.name}-default-closed" })
}

resource "aws_subnet" "node" {
  for_each = local.node_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value
  tags = merge(var.context.tags, {
    Name                              = "${var.context.name}-node-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  })
}

resource "aws_subnet" "public" {
  for_each = local.public_cidrs

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false
  tags = merge(var.context.tags, {
    Name                     = "${var.context.name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  })
}

resource "aws_subnet" "database" {
  for_each = local.database_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = merge(var.context.tags, { Name = "${var.context.name}-database-${each.key}" })
}

resource "aws_db_subnet_group" "this" {
  name        = "${var.context.name}-database"
  description = "Subnets without a way to the internet"
  subnet_ids  = [for subnet in aws_subnet.database : subnet.id]
  tags        = var.context.tags
}
