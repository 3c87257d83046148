# The roles the bot takes in one account: one that reads, one that acts, and, if wanted, a third. Apply it in every
# account whose keys are triaged; deploy/cloudformation/roles.yaml does the same as a StackSet.
#
# What they may do by default is in policies/, as `triage permissions` prints it. With an [organisation], IP sets of a
# web firewall or Athena in config.toml print your own and hand them in: act_policy = file("act-policy.json").

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  policies = merge(
    {
      read = coalesce(var.read_policy, file("${path.module}/policies/read.json"))
      act  = coalesce(var.act_policy, file("${path.module}/policies/act.json"))
    },
    var.third_role ? { roles = coalesce(var.roles_policy, file("${path.module}/policies/roles.json")) } : {},
  )
  reads_logs = length(var.log_buckets) > 0 || length(var.queue_arns) > 0
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]

    principals {
      type        = "AWS"
      identifiers = [var.bot_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

resource "aws_iam_role" "triage" {
  for_each = local.policies

  name                 = "triage-${each.key}"
  description          = "Taken by the triage bot; see its docs/connecting-aws.md"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "triage" {
  for_each = local.policies

  name   = "triage"
  role   = aws_iam_role.triage[each.key].id
  policy = each.value
}

# The trail's buckets and the queues, in the account where they are.
data "aws_iam_policy_document" "logs" {
  dynamic "statement" {
    for_each = length(var.log_buckets) > 0 ? [1] : []
    content {
      actions   = ["s3:ListBucket"]
      resources = [for name in var.log_buckets : "arn:${data.aws_partition.current.partition}:s3:::${name}"]
    }
  }

  dynamic "statement" {
    for_each = length(var.log_buckets) > 0 ? [1] : []
    content {
      actions   = ["s3:GetObject"]
      resources = [for name in var.log_buckets : "arn:${data.aws_partition.current.partition}:s3:::${name}/*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.queue_arns) > 0 ? [1] : []
    content {
      actions = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
      ]
      resources = var.queue_arns
    }
  }
}

resource "aws_iam_role_policy" "logs" {
  count = local.reads_logs ? 1 : 0

  name   = "triage-logs"
  role   = aws_iam_role.triage["read"].id
  policy = data.aws_iam_policy_document.logs.json
}
