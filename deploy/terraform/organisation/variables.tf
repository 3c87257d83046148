variable "policies" {
  description = "Which of them"
  type        = set(string)
  default     = ["quarantine", "denied-principals", "blocked-addresses", "denied-persons"]
}

variable "targets" {
  description = "Where they bind: the root (r-…), organisational units (ou-…) or accounts; an SCP never binds the management account"
  type        = set(string)
}
