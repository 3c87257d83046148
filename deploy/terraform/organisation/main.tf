# The organisation's policies, deployed before any incident from its management account, or from where policies are
# delegated. Each is attached to `targets`, and denies nothing until the bot writes into it: the bot keeps the lists, so
# a later apply leaves the contents alone.

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
  attached = { for pair in setproduct(var.policies, var.targets) : "${pair[0]} ${pair[1]}" => pair }
}

resource "aws_organizations_policy" "triage" {
  for_each = var.policies

  name        = "triage-${each.value}"
  description = "Written by the triage bot; see its docs/remediations.md"
  type        = "SERVICE_CONTROL_POLICY"
  content     = jsonencode(jsondecode(file("${path.module}/../../organisation/${each.value}.json")))

  lifecycle {
    ignore_changes  = [content]
    prevent_destroy = true
  }
}

resource "aws_organizations_policy_attachment" "triage" {
  for_each = local.attached

  policy_id = aws_organizations_policy.triage[each.value[0]].id
  target_id = each.value[1]
}
