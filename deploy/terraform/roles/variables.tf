variable "bot_arn" {
  description = "The user or role the bot runs as: triage doctor says it under \"AWS\""
  type        = string
}

variable "external_id" {
  description = "The value of [aws] external_id"
  type        = string
  sensitive   = true
}

variable "third_role" {
  description = "Make triage-roles, for changes whose right could become power over everything"
  type        = bool
  default     = false
}

variable "log_buckets" {
  description = "The trail's buckets, in the account of [aws] log_account"
  type        = list(string)
  default     = []
}

variable "queue_arns" {
  description = "Queues of alerts and of the trail's notices, in the account they are in"
  type        = list(string)
  default     = []
}

variable "read_policy" {
  description = "What `triage permissions` prints; null: the shipped one"
  type        = string
  default     = null
}

variable "act_policy" {
  description = "What `triage permissions --act` prints; null: the shipped one"
  type        = string
  default     = null
}

variable "roles_policy" {
  description = "What `triage permissions --act --roles` prints; null: the shipped one"
  type        = string
  default     = null
}
