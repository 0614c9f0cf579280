# Who talked to whom, for the day somebody asks.
resource "aws_cloudwatch_log_group" "flow" {
  name              = "/${var.context.name}/vpc-flow"
  retention_in_days = var.context.protection.log_retention_days
  kms_key_id        = var.log_key_arn
  tags              = var.context.tags
}

resource "aws_iam_role" "flow" {
  name_prefix = "${var.context.name}-flow-"
  description = "Writes VPC flow logs"
  tags        = var.context.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "flow" {
  name_prefix = "write-"
  role        = aws_iam_role.flow.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.flow.arn}:*"
    }]
  })
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.flow.arn
  iam_role_arn             = aws_iam_role.flow.arn
  max_aggregation_interval = 60
  tags                     = merge(var.context.tags, { Name = var.context.name })
}
