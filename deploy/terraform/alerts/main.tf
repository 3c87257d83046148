# The queue the bot takes alerts from, and the rules that fill it; nothing of the bot's need be reachable. Apply it in
# each region whose findings should come, in the account where GuardDuty and Security Hub are administered: they gather
# there what the other accounts find.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31" # states of rules
    }
  }
}

locals {
  rules = merge(
    {
      guardduty = { pattern = { source = ["aws.guardduty"], "detail-type" = ["GuardDuty Finding"] }, state = "ENABLED" }
      health    = { pattern = { source = ["aws.health"], "detail-type" = ["AWS Health Event"] }, state = "ENABLED" }
    },
    var.security_hub ? {
      securityhub = { pattern = { source = ["aws.securityhub"] }, state = "ENABLED" }
    } : {},
    # In the state ENABLED a rule never sees calls that only read, such as GetCallerIdentity or ListUsers.
    var.cloudtrail_events ? {
      cloudtrail = {
        pattern = { "detail-type" = [{ suffix = "via CloudTrail" }] }
        state   = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
      }
    } : {},
    var.trail_bucket == null ? {} : {
      logs = {
        pattern = {
          source        = ["aws.s3"]
          "detail-type" = ["Object Created"]
          detail        = { bucket = { name = [var.trail_bucket] }, object = { key = [{ prefix = "AWSLogs/" }] } }
        }
        state = "ENABLED"
      }
    },
  )
  # The history follows a queue of its own: notices of logs, or the events themselves.
  queue_of = { for name, rule in local.rules : name => contains(["logs", "cloudtrail"], name) ? "triage-logs" : "triage-alerts" }
  queues   = toset(values(local.queue_of))
}

resource "aws_sqs_queue" "triage" {
  for_each = local.queues

  name                       = each.value
  message_retention_seconds  = 1209600 # 14 days, the most there is: nothing is lost while the bot is away
  visibility_timeout_seconds = 120
  sqs_managed_sse_enabled    = true
}

resource "aws_cloudwatch_event_rule" "triage" {
  for_each = local.rules

  name          = "triage-${each.key}"
  event_pattern = jsonencode(each.value.pattern)
  state         = each.value.state
}

resource "aws_cloudwatch_event_target" "triage" {
  for_each = local.rules

  rule = aws_cloudwatch_event_rule.triage[each.key].name
  arn  = aws_sqs_queue.triage[local.queue_of[each.key]].arn
}

# Who may send decides what is believed: these rules, and nobody else.
data "aws_iam_policy_document" "send" {
  for_each = local.queues

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.triage[each.value].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for name, queue in local.queue_of : aws_cloudwatch_event_rule.triage[name].arn if queue == each.value]
    }
  }
}

resource "aws_sqs_queue_policy" "triage" {
  for_each = local.queues

  queue_url = aws_sqs_queue.triage[each.value].url
  policy    = data.aws_iam_policy_document.send[each.value].json
}
