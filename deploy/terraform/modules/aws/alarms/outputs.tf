output "topic_arn" {
  description = "Topic every alarm writes to."
  value       = aws_sns_topic.this.arn
}

output "alarm_names" {
  description = "Alarms, for `alarm` signals and for drills."
  value       = concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name], [aws_cloudwatch_metric_alarm.latency.alarm_name])
}
