output "queues" {
  description = "URL and ARN by name: queue_url in config.toml, queue_arns of the roles"
  value       = { for name, queue in aws_sqs_queue.triage : name => { url = queue.url, arn = queue.arn } }
}
