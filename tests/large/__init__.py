"""A made organisation of thousands of principals over many ordinary days, in memory: what detections must not tell of.

People of IAM Identity Center in several accounts, a few hundred IAM users, GitHub's runners, Terraform over every
account, scanners sold as a service, programs in AWS; two offices and homes whose addresses change. Every day somebody
travels, has a new laptop, is new here, meets a missing permission, does what hardly anybody does; now and then an
account gets a new trail. Nothing in it happened, and the same seed makes the same days.
"""
