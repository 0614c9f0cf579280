output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "event_queue_url" {
  description = "Queue with created and removed objects; null without events."
  value       = one(aws_sqs_queue.events[*].url)
}

output "event_queue_arn" {
  description = "ARN of that queue, for the reader's policy."
  value       = one(aws_sqs_queue.events[*].arn)
}

output "dead_letter_queue_name" {
  description = "Queue of events that could not be handled; the alarms watch it."
  value       = one(aws_sqs_queue.dead_letters[*].name)
}
