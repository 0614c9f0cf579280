# What CloudWatch sees when nothing in the cluster can speak any more. CloudPhoenix's own alerts live in
# Prometheus; these are the second pair of eyes, and `alarm` signals can read them.
resource "aws_sns_topic" "this" {
  name              = "${var.context.name}-alarms"
  kms_master_key_id = var.key_arn
  tags              = var.context.tags
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = var.alert_endpoints.mail

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_subscription" "https" {
  for_each = var.alert_endpoints.https

  topic_arn = aws_sns_topic.this.arn
  protocol  = "https"
  endpoint  = each.value
}

locals {
  database = { DBInstanceIdentifier = var.database.identifier }
  entry    = { LoadBalancer = var.entry.load_balancer }
  pods     = { LoadBalancer = var.entry.load_balancer, TargetGroup = var.entry.target_group }

  alarms = merge(
    {
      database-cpu         = { namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database, statistic = "Average", operator = "GreaterThanThreshold", threshold = var.database.cpu_percent, minutes = 10, missing = "breaching", text = "The database has been busy for ten minutes." }
      database-storage     = { namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.database, statistic = "Minimum", operator = "LessThanThreshold", threshold = var.database.storage_gib * 1073741824 * var.database.storage_free_percent / 100, minutes = 5, missing = "breaching", text = "The disk is filling; look for a replication slot that holds WAL." }
      database-connections = { namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.database, statistic = "Maximum", operator = "GreaterThanThreshold", threshold = var.database.connections, minutes = 5, missing = "breaching", text = "Connections near the limit." }
      replication-slot-lag = { namespace = "AWS/RDS", metric = "OldestReplicationSlotLag", dimensions = local.database, statistic = "Maximum", operator = "GreaterThanThreshold", threshold = var.database.slot_lag_mib * 1048576, minutes = 5, missing = "notBreaching", text = "The other cloud is behind: a failover now loses more than planned." }
      entry-errors         = { namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", dimensions = local.entry, statistic = "Sum", operator = "GreaterThanThreshold", threshold = 10, minutes = 1, missing = "notBreaching", text = "Users get errors from the load balancer." }
      pods-unhealthy       = { namespace = "AWS/ApplicationELB", metric = "HealthyHostCount", dimensions = local.pods, statistic = "Minimum", operator = "LessThanThreshold", threshold = 1, minutes = 1, missing = "breaching", text = "No pod is ready." }
    },
    { for name, queue in var.dead_letter_queue_names : "dead-letters-${name}" => { namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = queue }, statistic = "Maximum", operator = "GreaterThanThreshold", threshold = 0, minutes = 5, missing = "notBreaching", text = "An event could not be copied to the other cloud." } },
    { for peer, connection in var.vpn_connection_ids : "tunnel-${peer}" => { namespace = "AWS/VPN", metric = "TunnelState", dimensions = { VpnId = connection }, statistic = "Maximum", operator = "LessThanThreshold", threshold = 1, minutes = 2, missing = "breaching", text = "Both tunnels of a connection are down: replication has stopped." } },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.context.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.context.name}-entry-latency"
  alarm_description   = "One request in a hundred takes longer than promised."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = local.entry
  extended_statistic  = "p99"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.entry.p99_seconds
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
  tags                = var.context.tags
}
