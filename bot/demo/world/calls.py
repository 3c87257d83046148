"""The AWS calls the made organisation makes: which job makes which, where they go, what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GLOBAL_SERVICES = frozenset({"iam", "cloudfront", "route53", "organizations", "support", "signin", "ce"})
"""Services whose records CloudTrail keeps in us-east-1 only."""

_SOURCES = {"cloudwatch": "monitoring"}
_READING = (
    "Describe",
    "Get",
    "List",
    "Lookup",
    "Head",
    "BatchGet",
    "Search",
    "Decrypt",
    "FilterLogEvents",
    "StartQuery",
)

Job = Mapping[str, int]
"""``service:Name`` → how often, relative to the others."""

JOBS: Mapping[str, Job] = {
    "developer": {
        "sts:GetCallerIdentity": 3,
        "lambda:ListFunctions20150331": 5,
        "lambda:GetFunction20150331v2": 6,
        "lambda:UpdateFunctionCode20150331v2": 2,
        "logs:DescribeLogGroups": 6,
        "logs:FilterLogEvents": 9,
        "logs:StartQuery": 3,
        "s3:ListBuckets": 5,
        "s3:GetBucketLocation": 3,
        "dynamodb:DescribeTable": 6,
        "dynamodb:ListTables": 3,
        "sqs:GetQueueAttributes": 6,
        "sqs:ListQueues": 2,
        "ecr:DescribeRepositories": 3,
        "ecr:GetAuthorizationToken": 3,
        "ssm:GetParameter": 4,
        "cloudformation:DescribeStacks": 6,
        "cloudwatch:GetMetricData": 5,
    },
    "api": {
        "apigateway:GetRestApis": 5,
        "apigateway:GetStages": 3,
        "apigateway:CreateDeployment": 1,
        "lambda:GetFunction20150331v2": 5,
        "lambda:UpdateFunctionConfiguration20150331v2": 1,
        "logs:FilterLogEvents": 8,
        "dynamodb:DescribeTable": 4,
        "s3:ListBuckets": 3,
        "sqs:GetQueueAttributes": 5,
        "ssm:GetParametersByPath": 3,
        "cloudwatch:GetMetricData": 3,
    },
    "data": {
        "athena:StartQueryExecution": 8,
        "athena:GetQueryExecution": 12,
        "athena:GetQueryResults": 8,
        "glue:GetTables": 6,
        "glue:GetDatabases": 4,
        "glue:GetPartitions": 6,
        "s3:ListBuckets": 4,
        "s3:GetBucketLocation": 3,
        "kms:Decrypt": 3,
        "redshift:DescribeClusters": 2,
        "sts:GetCallerIdentity": 1,
    },
    "platform": {
        "sts:GetCallerIdentity": 8,
        "ec2:DescribeInstances": 12,
        "ec2:DescribeSecurityGroups": 8,
        "ec2:DescribeVpcs": 6,
        "ec2:DescribeSubnets": 6,
        "ec2:DescribeImages": 3,
        "ec2:RunInstances": 1,
        "ec2:CreateTags": 2,
        "iam:ListRoles": 4,
        "iam:GetRole": 8,
        "iam:ListAttachedRolePolicies": 6,
        "iam:ListUsers": 3,
        "iam:GetUser": 2,
        "eks:DescribeCluster": 4,
        "eks:ListClusters": 3,
        "autoscaling:DescribeAutoScalingGroups": 4,
        "elasticloadbalancing:DescribeLoadBalancers": 5,
        "route53:ListHostedZones": 3,
        "route53:ChangeResourceRecordSets": 1,
        "s3:GetBucketPolicy": 3,
        "cloudformation:DescribeStacks": 3,
        "rds:DescribeDBInstances": 4,
        "kms:DescribeKey": 3,
    },
    "security": {
        "iam:ListUsers": 6,
        "iam:ListAccessKeys": 6,
        "iam:GetAccountSummary": 2,
        "iam:GetAccessKeyLastUsed": 5,
        "iam:ListRoles": 4,
        "iam:GenerateCredentialReport": 1,
        "iam:GetCredentialReport": 1,
        "guardduty:ListFindings": 6,
        "guardduty:GetFindings": 6,
        "securityhub:GetFindings": 6,
        "cloudtrail:LookupEvents": 8,
        "cloudtrail:DescribeTrails": 2,
        "config:DescribeConfigRules": 2,
        "organizations:ListAccounts": 1,
        "sts:GetCallerIdentity": 2,
    },
    "mail": {
        "ses:ListIdentities": 4,
        "ses:GetIdentityVerificationAttributes": 3,
        "sns:ListTopics": 4,
        "sns:GetTopicAttributes": 3,
        "cloudwatch:GetMetricData": 5,
        "logs:FilterLogEvents": 4,
        "s3:ListBuckets": 2,
    },
    "console": {
        "ec2:DescribeInstances": 6,
        "ec2:DescribeRegions": 5,
        "ec2:DescribeAccountAttributes": 3,
        "cloudwatch:DescribeAlarms": 5,
        "cloudwatch:GetMetricData": 8,
        "cloudwatch:ListDashboards": 3,
        "s3:ListBuckets": 5,
        "s3:GetBucketLocation": 3,
        "health:DescribeEventAggregates": 4,
        "logs:DescribeLogGroups": 4,
        "lambda:ListFunctions20150331": 3,
        "iam:ListUsers": 1,
        "iam:GetAccountSummary": 1,
        "resource-explorer-2:ListIndexes": 2,
        "notifications:ListNotificationHubs": 2,
    },
    "api console": {
        "cloudwatch:DescribeAlarms": 4,
        "cloudwatch:GetMetricData": 8,
        "lambda:ListFunctions20150331": 4,
        "logs:DescribeLogGroups": 5,
        "apigateway:GetRestApis": 4,
        "s3:ListBuckets": 2,
    },
    "finance": {
        "ce:GetCostAndUsage": 8,
        "ce:GetCostForecast": 3,
        "budgets:DescribeBudgets": 4,
        "cur:DescribeReportDefinitions": 1,
        "health:DescribeEventAggregates": 2,
        "support:DescribeCases": 1,
        "organizations:DescribeOrganization": 1,
    },
    "contractor": {
        "s3:ListBuckets": 4,
        "s3:GetBucketLocation": 4,
        "cloudfront:ListDistributions": 4,
        "cloudfront:CreateInvalidation": 3,
        "cloudfront:GetDistributionConfig": 4,
        "sts:GetCallerIdentity": 2,
        "route53:ListResourceRecordSets": 2,
    },
    "quota report": {"ses:GetSendQuota": 1},
    "backup": {
        "backup:ListRecoveryPointsByBackupVault": 3,
        "ec2:DescribeSnapshots": 4,
        "ec2:CreateSnapshot": 2,
        "rds:DescribeDBSnapshots": 3,
    },
    "inventory": {
        "ec2:DescribeInstances": 4,
        "rds:DescribeDBInstances": 2,
        "s3:ListBuckets": 1,
        "lambda:ListFunctions20150331": 2,
        "iam:ListUsers": 1,
    },
    "dns": {"route53:ListHostedZones": 2, "route53:ListResourceRecordSets": 4, "route53:ChangeResourceRecordSets": 1},
    "billing": {"ce:GetCostAndUsage": 3, "s3:ListBuckets": 1},
    "metrics": {"cloudwatch:GetMetricData": 8, "cloudwatch:ListMetrics": 3, "tagging:GetResources": 2},
    "scan": {"ecr:DescribeImages": 4, "ecr:DescribeImageScanFindings": 4, "ecr:ListImages": 2},
    "worker": {
        "sqs:GetQueueAttributes": 4,
        "ssm:GetParametersByPath": 2,
        "secretsmanager:GetSecretValue": 3,
        "dynamodb:DescribeTable": 2,
    },
    "function": {"logs:CreateLogStream": 6, "ssm:GetParameter": 2, "secretsmanager:GetSecretValue": 1},
    "instance": {
        "ssm:UpdateInstanceInformation": 6,
        "ssm:ListInstanceAssociations": 3,
        "ec2:DescribeTags": 2,
        "secretsmanager:GetSecretValue": 1,
    },
    "scaling": {
        "ec2:DescribeInstances": 4,
        "ec2:DescribeLaunchTemplates": 1,
        "elasticloadbalancing:DescribeTargetHealth": 4,
    },
    "recorder": {
        "config:PutEvaluations": 2,
        "ec2:DescribeSecurityGroups": 2,
        "iam:ListRoles": 1,
        "s3:GetBucketPolicy": 2,
        "kms:DescribeKey": 1,
    },
    "deploy": {
        "sts:GetCallerIdentity": 4,
        "ecr:GetAuthorizationToken": 3,
        "ecs:DescribeServices": 4,
        "ecs:UpdateService": 2,
        "ecs:RegisterTaskDefinition": 2,
        "cloudformation:DescribeStacks": 5,
        "cloudformation:CreateChangeSet": 2,
        "cloudformation:ExecuteChangeSet": 1,
        "lambda:UpdateFunctionCode20150331v2": 2,
        "s3:ListBuckets": 1,
    },
}

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "ec2": {"maxResults": 100, "filterSet": {}},
    "lambda": {"functionName": "parcelhub-tracking"},
    "logs": {"logGroupName": "/aws/lambda/parcelhub-tracking"},
    "dynamodb": {"tableName": "parcels"},
    "sqs": {"queueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/parcel-events"},
    "ecr": {"registryId": "111122223333", "repositoryName": "parcelhub/api"},
    "ssm": {"name": "/parcelhub/api/config", "withDecryption": True},
    "cloudformation": {"stackName": "parcelhub-api"},
    "secretsmanager": {"secretId": "parcelhub/api"},
    "route53": {"hostedZoneId": "Z0MADEUP0HOSTEDZONE"},
    "s3": {"bucketName": "parcelhub-labels", "Host": "s3.eu-central-1.amazonaws.com"},
    "ses": {"identities": ["parcelhub.example"]},
    "kms": {
        "encryptionContext": {"PARAMETER_ARN": "/parcelhub/api/config"},
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    },
}


def source_of(call: str) -> str:
    """The ``eventSource`` of a ``service:Name``."""
    service = call.partition(":")[0]
    return f"{_SOURCES.get(service, service)}.amazonaws.com"


def reads_only(call: str) -> bool:
    return call.partition(":")[2].startswith(_READING)


def parameters_of(call: str) -> Mapping[str, Any] | None:
    """What such a call asks for; ``None`` where CloudTrail writes null."""
    service, _, name = call.partition(":")
    return None if name in {"GetCallerIdentity", "ListBuckets", "GetSendQuota"} else _PARAMETERS.get(service)
