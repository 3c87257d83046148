-- CloudTrail's logs in S3 as a table that needs no partitions added: account, region and day are reckoned from the
-- query ("Create the table for CloudTrail logs in Athena using partition projection", Amazon Athena user guide).
--
-- Replace, then run it in Athena's query editor:
--   BUCKET    the trail's bucket, with its prefix if it has one
--   LOGS      AWSLogs, or AWSLogs/o-abcdefghij for the trail of an organisation
--   ACCOUNTS  every account that writes there, as 111122223333,444455556666
--   REGIONS   every region that is used, as us-east-1,eu-west-1; us-east-1 always: global services write theirs there
--   FIRST     the first day there are logs of, as 2026/01/01
--
-- The bot reads the columns below and no others. Accounts and regions that are added later are added with
-- ALTER TABLE … SET TBLPROPERTIES ('projection.account.values' = '…'), and in [history.athena] of config.toml.

CREATE EXTERNAL TABLE IF NOT EXISTS triage.cloudtrail_logs (
    useridentity STRUCT<
        type: STRING,
        principalid: STRING,
        arn: STRING,
        accountid: STRING,
        invokedby: STRING,
        accesskeyid: STRING,
        username: STRING,
        identityprovider: STRING,
        onbehalfof: STRUCT<
            userid: STRING>,
        sessioncontext: STRUCT<
            sessionissuer: STRUCT<
                type: STRING,
                principalid: STRING,
                arn: STRING,
                accountid: STRING,
                username: STRING>>>,
    eventtime STRING,
    eventsource STRING,
    eventname STRING,
    awsregion STRING,
    sourceipaddress STRING,
    useragent STRING,
    errorcode STRING,
    errormessage STRING,
    requestparameters STRING,
    responseelements STRING,
    additionaleventdata STRING,
    eventid STRING,
    eventcategory STRING,
    recipientaccountid STRING,
    sharedeventid STRING,
    addendum STRUCT<
        reason: STRING,
        originaleventid: STRING>
)
PARTITIONED BY (
    account STRING,
    region STRING,
    day STRING
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://BUCKET/LOGS/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.account.type' = 'enum',
    'projection.account.values' = 'ACCOUNTS',
    'projection.region.type' = 'enum',
    'projection.region.values' = 'REGIONS',
    'projection.day.type' = 'date',
    'projection.day.format' = 'yyyy/MM/dd',
    'projection.day.interval' = '1',
    'projection.day.interval.unit' = 'DAYS',
    'projection.day.range' = 'FIRST,NOW',
    'storage.location.template' = 's3://BUCKET/LOGS/${account}/CloudTrail/${region}/${day}'
)
