resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.context.tags, { Name = var.context.name })
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain     = "vpc"
  tags       = merge(var.context.tags, { Name = "${var.context.name}-nat-${each.key}" })
  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id
  tags          = merge(var.context.tags, { Name = "${var.context.name}-${each.key}" })
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.context.tags, { Name = "${var.context.name}-public" })
}

resource "aws_route" "public_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  route_table_id = aws_route_table.public.id
  subnet_id      = each.value.id
}

# One table for each zone, so that the loss of a zone's gateway stays in that zone.
resource "aws_route_table" "node" {
  for_each = local.node_cidrs

  vpc_id = aws_vpc.this.id
  tags   = merge(var.context.tags, { Name = "${var.context.name}-node-${each.key}" })
}

resource "aws_route" "node_internet" {
  for_each = var.nat_gateways == "none" ? {} : local.node_cidrs

  route_table_id         = aws_route_table.node[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.nat_gateways == "single" ? var.availability_zones[0] : each.key].id
}

resource "aws_route_table_association" "node" {
  for_each = aws_subnet.node

  route_table_id = aws_route_table.node[each.key].id
  subnet_id      = each.value.id
}

# Databases have local routes and, through connectivity, the tunnel. Nothing else.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.context.tags, { Name = "${var.context.name}-database" })
}

resource "aws_route_table_association" "database" {
  for_each = aws_subnet.database

  route_table_id = aws_route_table.database.id
  subnet_id      = each.value.id
}
