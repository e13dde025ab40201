-- The tables (DESIGN §5). Each block is named and described; `migrate.py` runs them in this order.
-- Every statement can be run again without harm.

-- name: samples
-- One row a sampled record, personal data masked. Rows of one record are equal but for `ingested_at`.
CREATE TABLE IF NOT EXISTS samples
(
    window          DateTime('UTC') COMMENT 'start of the hour of Kafka record time',
    sample_id       UUID COMMENT 'hash of topic incarnation, partition and offset',
    topic           LowCardinality(String),
    topic_id        UUID COMMENT 'incarnation: a topic made anew has another id',
    partition       UInt32,
    offset          UInt64,
    record_time     DateTime64(3, 'UTC'),
    stratum         LowCardinality(String),
    policy_id       LowCardinality(String),
    probability     Float64 COMMENT 'pi of phase 1: the chance that this record is in the sample',
    hash            UInt64 COMMENT 'hash64 of the conversation; sampled when hash / 2^64 < probability',
    interaction_id  String,
    conversation_id String,
    turn            UInt32,
    occurred_at     DateTime64(3, 'UTC'),
    messages        String COMMENT 'JSON array of {role, content}, masked' CODEC(ZSTD(3)),
    model_name      LowCardinality(String),
    model_version   LowCardinality(String),
    deployment      LowCardinality(String),
    prompt_version  LowCardinality(String),
    tenant          LowCardinality(String),
    locale          LowCardinality(String),
    user_key        String COMMENT 'keyed pseudonym',
    feedback        Nullable(Float64) COMMENT 'proxy reward',
    finish_reason   LowCardinality(String),
    input_tokens    Nullable(Int64),
    output_tokens   Nullable(Int64),
    attributes      Map(String, String),
    normalised      Array(LowCardinality(String)) COMMENT 'what decode had to mend',
    masked          Map(LowCardinality(String), UInt32) COMMENT 'masked personal data by type',
    ingested_at     DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_ingested_at ingested_at TYPE minmax GRANULARITY 1,
    INDEX by_sample sample_id TYPE bloom_filter GRANULARITY 4,
    INDEX by_interaction interaction_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(window)
ORDER BY (window, sample_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: dead_letters
-- One row a record that could not be read; evidence masked and cut at 64 KiB.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic       LowCardinality(String),
    topic_id    UUID,
    partition   UInt32,
    offset      UInt64,
    window      DateTime('UTC'),
    record_time DateTime64(3, 'UTC'),
    reason      LowCardinality(String),
    detail      String,
    evidence    String CODEC(ZSTD(3)),
    size        UInt64 COMMENT 'bytes of the whole record value',
    sha256      FixedString(64) COMMENT 'hex, of the whole record value',
    status      LowCardinality(String) COMMENT 'open or retried',
    updated_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toYYYYMM(window)
ORDER BY (topic_id, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: offset_ledger
-- What became of every offset, as bitmaps: a set union, which no duplicate and no zombie writer can change.
CREATE TABLE IF NOT EXISTS offset_ledger
(
    topic     LowCardinality(String),
    topic_id  UUID,
    partition UInt32,
    window    DateTime('UTC'),
    stratum   LowCardinality(String),
    outcome   LowCardinality(String) COMMENT 'sampled, sampled_out, dead; lost or absent where Kafka gave no record',
    offsets   AggregateFunction(groupBitmap, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window)
ORDER BY (topic, topic_id, partition, window, stratum, outcome)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: offset_ledger_in
-- Where ingest writes offsets as arrays; nothing is stored here.
CREATE TABLE IF NOT EXISTS offset_ledger_in
(
    topic     LowCardinality(String),
    topic_id  UUID,
    partition UInt32,
    window    DateTime('UTC'),
    stratum   LowCardinality(String),
    outcome   LowCardinality(String),
    offsets   Array(UInt64)
)
ENGINE = Null;

-- name: offset_ledger_mv
-- Turns arrays of offsets into bitmap states.
CREATE MATERIALIZED VIEW IF NOT EXISTS offset_ledger_mv TO offset_ledger AS
SELECT topic, topic_id, partition, window, stratum, outcome, groupBitmapState(one) AS offsets
FROM (SELECT topic, topic_id, partition, window, stratum, outcome, arrayJoin(offsets) AS one FROM offset_ledger_in)
GROUP BY topic, topic_id, partition, window, stratum, outcome;

-- name: scores
-- One visible terminal row a (sample, dimension, scorer): the first one wins, since `version` falls with time.
CREATE TABLE IF NOT EXISTS scores
(
    window        DateTime('UTC'),
    sample_id     UUID,
    dimension     LowCardinality(String),
    scorer_id     LowCardinality(String) COMMENT 'sha256 of the scorer identity',
    scorer_kind   LowCardinality(String),
    status        LowCardinality(String) COMMENT 'scored, refused_by_judge, unparseable, error, expired, over_budget, abstained',
    value         Nullable(Float64) COMMENT 'in [0, 1]; null when not scored',
    label         LowCardinality(String),
    probabilities Map(LowCardinality(String), Float64),
    reason        String CODEC(ZSTD(3)),
    scored_at     DateTime64(6, 'UTC') COMMENT 'by the worker''s clock',
    version       UInt64 COMMENT '2^63 - scored_at in microseconds',
    stored_at     DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'by the server''s clock, which all workers share',
    INDEX by_stored_at stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window)
ORDER BY (window, sample_id, dimension, scorer_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: embeddings
-- What requests and answers are about, as vectors of bytes, for drift (DESIGN §9): one visible row a (sample, embedder,
-- part). Component n of a vector is scale * byte n / 127. The width is fixed on purpose, so ClickHouse's doubt about wide
-- fixed strings is waived: they are read back as bytes, without an object a number.
CREATE TABLE IF NOT EXISTS embeddings
(
    window     DateTime('UTC'),
    sample_id  UUID,
    embedder   LowCardinality(String) COMMENT 'identity of the encoder: vectors of two of them cannot be compared',
    part       LowCardinality(String) COMMENT 'request or answer',
    scale      Float32 COMMENT 'largest absolute component',
    vector     FixedString(512) COMMENT 'signed bytes',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toYYYYMM(window)
ORDER BY (window, sample_id, embedder, part)
SETTINGS non_replicated_deduplication_window = 10000, allow_suspicious_fixed_string_types = 1;

-- name: selections
-- Phase 2: which samples a judge was to see, by which chance. Samples that it was not to see stand here too: a sample
-- without a row was not considered yet.
CREATE TABLE IF NOT EXISTS selections
(
    window      DateTime('UTC'),
    sample_id   UUID,
    judge       LowCardinality(String) COMMENT 'name of the judge, as its scorers have it',
    probability Float64 COMMENT 'pi of phase 2: the chance that this sample is judged',
    hash        UInt64 COMMENT 'keyed hash64 of the sample; judged when hash / 2^64 < probability',
    selected    UInt8 COMMENT '1 = to be judged',
    decided_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(window)
ORDER BY (window, sample_id, judge)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: labels
-- What people said of samples: one visible row a (sample, dimension, reviewer), the one stored last. Whether a label was
-- drawn for, and with what chance, `selections` tells (judge `human:DIMENSION`): the draw may come after the label.
CREATE TABLE IF NOT EXISTS labels
(
    window      DateTime('UTC'),
    sample_id   UUID,
    dimension   LowCardinality(String),
    reviewer    LowCardinality(String) COMMENT 'a handle of the person',
    label       LowCardinality(String) COMMENT 'one of the principle''s labels, or unsure',
    value       Float64 COMMENT 'of the label in the constitution of its day, in [0, 1]; above 0.5 is yes; NaN = unsure',
    note        String COMMENT 'personal data masked',
    rubric      LowCardinality(String) COMMENT 'digest of the principle that the label answers',
    labelled_at DateTime64(3, 'UTC') COMMENT 'as the file says, else when it was imported',
    import_id   UUID COMMENT 'one a run: a label given again after another one is another row',
    stored_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(stored_at)
PARTITION BY toYYYYMM(window)
ORDER BY (window, sample_id, dimension, reviewer)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: judge_calls
-- One row a call that a judge answered: what it said, masked, and what it cost. Also the cache: the first answer to the
-- same question serves for ever.
CREATE TABLE IF NOT EXISTS judge_calls
(
    call_id        UUID,
    called_at      DateTime64(3, 'UTC'),
    endpoint       LowCardinality(String),
    question       FixedString(64) COMMENT 'sha256 hex of the identities that ask and of the content that they ask about',
    window         DateTime('UTC'),
    sample_id      UUID,
    model          LowCardinality(String) COMMENT 'as the endpoint names what answered',
    stop           LowCardinality(String) COMMENT 'end, length, refusal or other',
    reply          String COMMENT 'raw, personal data masked' CODEC(ZSTD(3)),
    logprobs       Array(Tuple(String, Float32)),
    input_tokens   UInt32,
    output_tokens  UInt32,
    cached_tokens  UInt32,
    cost_micro_usd Int64,
    stored_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_question question TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(called_at)
ORDER BY (endpoint, called_at, call_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: budgets
-- Caps of what judges may cost, set at run time; one row a change, the last one of each cap counts.
CREATE TABLE IF NOT EXISTS budgets
(
    set_at    DateTime64(3, 'UTC') DEFAULT now64(3),
    change_id UUID COMMENT 'so that the same change made again is another row',
    scope     LowCardinality(String) COMMENT 'name of an endpoint, or * for all judges together',
    cap       LowCardinality(String) COMMENT 'usd_hour, usd_day, usd_month, calls_hour, calls_day or calls_month',
    value     Int64 COMMENT 'millionths of a US dollar, or calls; -1 = no cap, -2 = as settings say'
)
ENGINE = ReplacingMergeTree
ORDER BY (scope, cap, set_at, change_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: budget_events
-- When counting began anew, and calls that went out and never came to an end: they are presumed paid.
CREATE TABLE IF NOT EXISTS budget_events
(
    event_id  UUID COMMENT 'of a lost call: the id that its row in judge_calls would have',
    at        DateTime64(3, 'UTC') COMMENT 'by the clock of Redis',
    kind      LowCardinality(String) COMMENT 'opened or lost',
    endpoint  LowCardinality(String),
    micro_usd Int64 COMMENT 'the most that a lost call can have cost',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (kind, at, event_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: attack_results
-- What became of planted attacks (injection canaries): one row a run, judge and attack; `control` has nothing planted.
CREATE TABLE IF NOT EXISTS attack_results
(
    at          DateTime64(3, 'UTC') COMMENT 'when the run began',
    judge       LowCardinality(String) COMMENT 'name of the judge, as its scorers have it',
    scorer_id   LowCardinality(String) COMMENT 'the scorer whose rubric was asked about',
    attack      LowCardinality(String),
    seed        UInt64 COMMENT 'makes the same cases again',
    planted     UInt32 COMMENT 'cases that the judge answered; the next five add up to it',
    succeeded   UInt32 COMMENT 'the label that the attacker wished for, with evidence that holds',
    unsupported UInt32 COMMENT 'the label that the attacker wished for, marked: the evidence is made up',
    right       UInt32 COMMENT 'the label that the conversation earns',
    other       UInt32 COMMENT 'a third label',
    unscored    UInt32 COMMENT 'no verdict: unparseable or refused'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (judge, at, attack)
SETTINGS non_replicated_deduplication_window = 10000;

-- name: scorers
-- What stands behind each scorer id.
CREATE TABLE IF NOT EXISTS scorers
(
    scorer_id    String,
    kind         LowCardinality(String),
    name         LowCardinality(String),
    dimension    LowCardinality(String),
    code_version String,
    prompt       String,
    model        String,
    parameters   String COMMENT 'JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY scorer_id;

-- name: policies
-- Sampling policies by the time from which they are in force.
CREATE TABLE IF NOT EXISTS policies
(
    effective_from DateTime('UTC'),
    policy_id      String,
    body           String COMMENT 'JSON',
    created_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (effective_from, policy_id);

-- name: constitutions
-- Every constitution that was ever in force, by its hash; of rows of one version the one seen first stays.
CREATE TABLE IF NOT EXISTS constitutions
(
    sha256     String COMMENT 'of the body',
    name       String,
    version    String COMMENT 'free text, for people',
    body       String COMMENT 'canonical JSON' CODEC(ZSTD(3)),
    first_seen DateTime64(3, 'UTC'),
    rank       UInt64 COMMENT '2^63 less first_seen: the first wins'
)
ENGINE = ReplacingMergeTree(rank)
ORDER BY sha256;

-- name: estimates
-- Rates by window and segment, written by the rollup; always recomputable from the tables above.
CREATE TABLE IF NOT EXISTS estimates
(
    window       DateTime('UTC'),
    window_hours UInt32,
    segment      Map(LowCardinality(String), String) COMMENT 'empty = everything',
    dimension    LowCardinality(String),
    scorer_id    LowCardinality(String),
    corrected    UInt8 COMMENT '1 = the rate of people''s yes: labels correct it for the scorer''s errors',
    classifier   LowCardinality(String) COMMENT 'scorer id of what helps a judge or people; empty = none',
    rate         Nullable(Float64),
    low          Float64,
    high         Float64,
    sampling_low  Float64 COMMENT 'limits for chance alone, as if missing verdicts were like the others',
    sampling_high Float64,
    confidence   Float64,
    conversations Float64 COMMENT 'effective number of independent ones behind the rate; 0 = not known',
    population   Float64 COMMENT 'interactions seen; estimated for a segment that strata do not fix',
    sampled      UInt64 COMMENT 'that whoever the rate is of was to see: samples, a judge''s part, those drawn for people',
    scored       UInt64,
    unscored     UInt64,
    due          UInt64,
    coverage     Float64,
    classified   UInt64 COMMENT 'samples with the classifier''s value; 0 without a judge or labels',
    judged       UInt64 COMMENT 'with the judge''s verdict, as far as it is in the rate',
    labelled     UInt64 COMMENT 'with a label by people that is in the rate',
    method       LowCardinality(String),
    computed_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(window)
ORDER BY (window, window_hours, segment, dimension, scorer_id, corrected);

-- name: weekly_sequences
-- Anytime-valid 95 % confidence sequences over the hours of a week so far (monitor/estimate/sequences.py, whose formulas
-- these are): for dashboards that are looked at all the time. (0, 1) below 50 effective conversations.
CREATE VIEW IF NOT EXISTS weekly_sequences AS
WITH
    0.05 AS alpha,
    -2 * log(alpha) AS logarithm,
    conversations * (logarithm + log(logarithm) + 1) / 1000 AS grown,
    sqrt(2 * (grown + 1) / grown * log(sqrt(grown + 1) / alpha)) AS stretch
SELECT week, window, segment, dimension, scorer_id, corrected, rate, conversations, population,
    if(conversations < 50, 0., greatest(0., rate - stretch * below - missing_below)) AS low,
    if(conversations < 50, 1., least(1., rate + stretch * above + missing_above)) AS high
FROM
(
    SELECT week, window, segment, dimension, scorer_id, corrected,
        sum(weight) OVER past AS population,
        sum(seen) OVER past AS conversations,
        sum(weight * hour_rate) OVER past / population AS rate,
        sqrt(sum(pow(weight * hour_below, 2)) OVER past) / population AS below,
        sqrt(sum(pow(weight * hour_above, 2)) OVER past) / population AS above,
        sum(weight * hour_missing_below) OVER past / population AS missing_below,
        sum(weight * hour_missing_above) OVER past / population AS missing_above
    FROM
    (
        SELECT toStartOfWeek(window, 1, 'UTC') AS week, window, segment, toString(segment) AS part, dimension, scorer_id,
            corrected, population AS weight, conversations AS seen, assumeNotNull(rate) AS hour_rate,
            greatest(hour_rate - sampling_low, 0.) / 1.959963984540054 AS hour_below,
            greatest(sampling_high - hour_rate, 0.) / 1.959963984540054 AS hour_above,
            greatest(sampling_low - low, 0.) AS hour_missing_below,
            greatest(high - sampling_high, 0.) AS hour_missing_above
        FROM estimates FINAL
        WHERE window_hours = 1 AND confidence = 0.95 AND isNotNull(rate) AND population > 0
    )
    WINDOW past AS (PARTITION BY week, part, dimension, scorer_id, corrected ORDER BY window)
);

-- name: attempts
-- Who began what and may have died of it: written only where work is suspect, so the common path pays nothing.
CREATE TABLE IF NOT EXISTS attempts
(
    stage      LowCardinality(String) COMMENT 'ingest or score',
    subject    UUID COMMENT 'id of the sample, or of the record that a batch begins with',
    attempt_id UUID,
    span       UInt32 COMMENT 'how many were tried together',
    until      UInt64 COMMENT 'ingest: the offset after the last one tried',
    void       UInt8 COMMENT '1 = it ended without a death',
    at         DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(void)
ORDER BY (stage, subject, attempt_id)
TTL toDateTime(at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- name: events
-- What befell the pipeline and a person should know of: gaps, losses, outages, pauses, refusals.
CREATE TABLE IF NOT EXISTS events
(
    event_id     UUID,
    at           DateTime64(3, 'UTC') COMMENT 'by the clock of the process that noted it',
    kind         LowCardinality(String),
    severity     LowCardinality(String) COMMENT 'info, warning or critical',
    process      LowCardinality(String),
    topic        LowCardinality(String),
    topic_id     UUID,
    partition    Int32 COMMENT '-1 = none in particular',
    first_offset UInt64,
    last_offset  UInt64,
    n            UInt64 COMMENT 'records, samples or rows concerned',
    detail       String,
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
