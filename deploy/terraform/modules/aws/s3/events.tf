# Events wait up to 14 days: longer than any outage of the other cloud this system is meant to bridge.
# One that was received five times without success goes to the dead letters, where an alarm sees it.
resource "aws_sqs_queue" "events" {
  count = var.events ? 1 : 0

  name                       = "${var.context.name}-${var.purpose}-events"
  kms_master_key_id          = var.key_arn
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 300
  receive_wait_time_seconds  = 20
  tags                       = var.context.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[0].arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  count = var.events ? 1 : 0

  name                      = "${var.context.name}-${var.purpose}-events-dead"
  kms_master_key_id         = var.key_arn
  message_retention_seconds = 1209600
  tags                      = var.context.tags
}

resource "aws_sqs_queue_policy" "events" {
  count = var.events ? 1 : 0

  queue_url = aws_sqs_queue.events[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisBucketOnly"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.events[0].arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = aws_s3_bucket.this.arn }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
      }, {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.events[0].arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_bucket_notification" "this" {
  count = var.events ? 1 : 0

  bucket = aws_s3_bucket.this.id
  queue {
    queue_arn = aws_sqs_queue.events[0].arn
    events    = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
  }

  depends_on = [aws_sqs_queue_policy.events]
}
