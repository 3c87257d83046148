variable "security_hub" {
  description = "Findings of Security Hub, too"
  type        = bool
  default     = true
}

variable "cloudtrail_events" {
  description = "Every management event of this account and region into the queue the history follows: fast, and every call costs a message"
  type        = bool
  default     = false
}

variable "trail_bucket" {
  description = "The trail's bucket, with EventBridge notifications switched on; null: logs are not followed"
  type        = string
  default     = null
}
