output "policy_ids" {
  description = "For [organisation]: quarantine_policy, principals_policy, addresses_policy, persons_policy"
  value       = { for name, policy in aws_organizations_policy.triage : name => policy.id }
}
