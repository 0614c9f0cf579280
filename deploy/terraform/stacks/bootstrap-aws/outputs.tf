output "backend" {
  description = "Write this into stacks/aws/backend.hcl."
  value = {
    bucket     = local.buckets.state
    region     = var.region
    kms_key_id = aws_kms_key.state.arn
  }
}
