output "role_arns" {
  description = "The ARNs of the roles; config.toml names them with {account} for the account"
  value       = { for name, role in aws_iam_role.triage : name => role.arn }
}
