CREATE DATABASE IF NOT EXISTS triage COMMENT 'CloudTrail as the triage bot asks it'
