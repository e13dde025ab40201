-- Every query, named and described. Replaceable rows are read with FINAL or argMax, counts with bitmaps (I4).

-- name: ping
-- Does the server answer, and what time does it have?
SELECT version() AS version, toFloat64(now64(3)) AS now

-- name: tables
-- Which of our tables are there.
SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()

-- name: policies
-- All sampling policies, in the order in which they were made.
SELECT body FROM policies FINAL ORDER BY created_at, effective_from, policy_id

-- name: constitutions
-- Every constitution that was ever in force, in the order in which they were first seen.
SELECT sha256, name, version, body, toUnixTimestamp64Milli(first_seen) AS first_seen_ms
FROM constitutions FINAL
ORDER BY first_seen, sha256

-- name: constitution_hashes
-- The hashes of all constitutions that were ever in force.
SELECT DISTINCT sha256 FROM constitutions ORDER BY sha256

-- name: newest_window
-- The newest window that has an outcome and the newest time of a sampled record, of windows in a span; else 1970.
SELECT
    (SELECT toUInt32(max(window)) FROM offset_ledger
        WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')) AS window,
    (SELECT toFloat64(max(record_time)) FROM samples
        WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')) AS stamp

-- name: samples_by_id
-- The named samples of one window, to be scored.
SELECT
    sample_id, interaction_id, conversation_id, turn, occurred_at, messages, model_name, model_version, deployment,
    prompt_version, tenant, locale, user_key, feedback, finish_reason, input_tokens, output_tokens, attributes,
    normalised
FROM samples FINAL
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
ORDER BY sample_id

-- name: terminal
-- Which of these scorers have a terminal row for which of these samples.
SELECT DISTINCT sample_id, scorer_id
FROM scores
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
    AND scorer_id IN {scorers:Array(String)}

-- name: due
-- Samples that lack a terminal row of one of these scorers, in order of hash over probability inside a window (I11).
-- Age is the time since ingest, so that a replay of old records is work like any other.
WITH waiting AS
(
    SELECT window, sample_id, any(hash) AS hash, any(probability) AS probability
    FROM samples
    WHERE ingested_at >= now64(3) - toIntervalSecond({oldest_s:UInt32})
        AND ingested_at <= now64(3) - toIntervalMillisecond({settled_ms:UInt64})
    GROUP BY window, sample_id
)
SELECT toUInt32(window) AS window, sample_id
FROM waiting AS s
LEFT JOIN
(
    SELECT window, sample_id, uniqExact(scorer_id) AS terminal
    FROM scores
    WHERE window IN (SELECT window FROM waiting) AND scorer_id IN {scorers:Array(String)}
    GROUP BY window, sample_id
) AS t USING (window, sample_id)
WHERE t.terminal < length({scorers:Array(String)})
ORDER BY window DESC, hash / probability
LIMIT {limit:UInt32}

-- name: progress
-- Traffic samples in a span, and terminal rows by scorer; canaries are no traffic.
WITH traffic AS
(
    SELECT DISTINCT sample_id
    FROM samples
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
)
SELECT
    (SELECT count() FROM traffic) AS sampled,
    wanted AS scorer_id,
    uniqExactIf(sample_id, status != '') AS terminal,
    uniqExactIf(sample_id, status = 'scored') AS scored
FROM (SELECT arrayJoin({scorers:Array(String)}) AS wanted) AS w
LEFT JOIN
(
    SELECT scorer_id, sample_id, status
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND sample_id IN (SELECT sample_id FROM traffic)
) AS c ON c.scorer_id = w.wanted
GROUP BY wanted

-- name: ledger
-- How many records had which outcome, by stratum; bitmaps of one partition and topic incarnation are united.
SELECT stratum, outcome, sum(n) AS n
FROM
(
    SELECT topic, topic_id, partition, window, stratum, outcome, groupBitmapMerge(offsets) AS n
    FROM offset_ledger
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
    GROUP BY topic, topic_id, partition, window, stratum, outcome
)
GROUP BY stratum, outcome

-- name: terms
-- One row a sample with its verdict by one scorer, as the estimator needs it; canaries are no traffic.
-- Fields that are not asked for are empty.
SELECT
    s.stratum AS stratum, s.probability AS probability, s.hash AS hash,
    c.status != '' AS ended, ifNull(c.value, nan) AS value,
    model, model_version, locale, tenant, deployment, prompt_version
FROM
(
    SELECT window, sample_id, stratum, probability, hash,
        if(has({by:Array(String)}, 'model'), model_name, '') AS model,
        if(has({by:Array(String)}, 'model_version'), samples.model_version, '') AS model_version,
        if(has({by:Array(String)}, 'locale'), samples.locale, '') AS locale,
        if(has({by:Array(String)}, 'tenant'), samples.tenant, '') AS tenant,
        if(has({by:Array(String)}, 'deployment'), samples.deployment, '') AS deployment,
        if(has({by:Array(String)}, 'prompt_version'), samples.prompt_version, '') AS prompt_version
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
) AS s
LEFT JOIN
(
    SELECT window, sample_id, status, value
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND dimension = {dimension:String} AND scorer_id = {scorer:String}
) AS c USING (window, sample_id)
ORDER BY s.window, s.sample_id

-- name: series
-- The scorers that have rows since a window: each is a series of its own, never joined to another. A judge's is named.
-- `labelled` says that the dimension has labels. The one with the most rows comes first.
SELECT s.dimension AS dimension, s.scorer_id AS scorer_id, s.kind AS kind, if(s.kind = 'judge', n.name, '') AS judge,
    s.dimension IN
    (
        SELECT dimension
        FROM labels
        WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
    ) AS labelled
FROM
(
    SELECT dimension, scorer_id, any(scorer_kind) AS kind, count() AS n
    FROM scores
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
    GROUP BY dimension, scorer_id
) AS s
LEFT JOIN (SELECT scorer_id, any(name) AS name FROM scorers GROUP BY scorer_id) AS n ON n.scorer_id = s.scorer_id
ORDER BY dimension, s.n DESC, scorer_id

-- name: stale_windows
-- Windows whose estimates may lag behind what they are made from, newest first: rows stored since they were computed,
-- or up to a margin before (those may have been on their way); other counts in the ledger; no estimates yet. All times
-- are the server's. A window without any score has nothing to estimate.
WITH
    since AS (SELECT now64(3) - toIntervalDay({look_back_days:UInt32}) AS moment),
    scored AS
    (
        SELECT window, max(stored_at) AS at FROM scores WHERE stored_at >= (SELECT moment FROM since) GROUP BY window
    ),
    told AS
    (
        SELECT window, max(stored_at) AS at FROM labels WHERE stored_at >= (SELECT moment FROM since) GROUP BY window
    ),
    sampled AS
    (
        SELECT window, max(ingested_at) AS at FROM samples WHERE ingested_at >= (SELECT moment FROM since) GROUP BY window
    ),
    known AS
    (
        SELECT window, max(computed_at) AS at, argMax(population, computed_at) AS population
        FROM estimates
        WHERE window_hours = 1 AND empty(segment)
        GROUP BY window
    ),
    counted AS
    (
        SELECT window, sum(n) AS n
        FROM
        (
            SELECT topic, topic_id, partition, window, stratum, outcome, groupBitmapMerge(offsets) AS n
            FROM offset_ledger
            WHERE outcome IN ('sampled', 'sampled_out') AND stratum != '_canary'
                AND (window >= toDateTime((SELECT moment FROM since), 'UTC')
                    OR window IN (SELECT window FROM scored) OR window IN (SELECT window FROM sampled)
                    OR window IN (SELECT window FROM told))
            GROUP BY topic, topic_id, partition, window, stratum, outcome
        )
        GROUP BY window
    )
SELECT toUInt32(w.window) AS window
FROM
(
    SELECT window FROM scored UNION DISTINCT SELECT window FROM sampled UNION DISTINCT SELECT window FROM told
    UNION DISTINCT SELECT window FROM counted
) AS w
LEFT JOIN scored ON scored.window = w.window
LEFT JOIN told ON told.window = w.window
LEFT JOIN sampled ON sampled.window = w.window
LEFT JOIN known ON known.window = w.window
LEFT JOIN counted ON counted.window = w.window
WHERE if(toUnixTimestamp64Milli(known.at) = 0, toUnixTimestamp64Milli(scored.at) > 0,
    greatest(scored.at, sampled.at, told.at) >= known.at - toIntervalMillisecond({margin_ms:UInt32})
    OR toFloat64(counted.n) != known.population)
ORDER BY window DESC

-- name: estimate_rows
-- The estimates of each hour as the rollup last wrote them, for comparisons with a recomputation.
SELECT toUInt32(window) AS window, segment, dimension, scorer_id, corrected, classifier, rate, low, high, population,
    sampled, scored, unscored, due, coverage, classified, judged, labelled, toFloat64(computed_at) AS computed_at
FROM estimates FINAL
WHERE window_hours = 1

-- name: estimates_of
-- What the rollup last wrote of one hour and dimension.
SELECT segment, scorer_id, corrected, rate, low, high, scored, due, toUnixTimestamp64Milli(computed_at) AS computed_ms
FROM estimates FINAL
WHERE window_hours = 1 AND window = toDateTime({since:UInt32}, 'UTC') AND dimension = {dimension:String}

-- name: newest_estimate
-- The newest hour that has estimates; 1970 without any.
SELECT toUInt32(max(window)) AS window FROM estimates WHERE window_hours = 1

-- name: sequences
-- Confidence sequences of a span's hours, over the hours of each week so far.
SELECT toUInt32(window) AS window, segment, dimension, scorer_id, corrected, rate, low, high, conversations, population
FROM weekly_sequences
WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
ORDER BY dimension, scorer_id, corrected, toString(segment), window

-- name: last_canary
-- The canary conversation that came through last: when it was sent, when it was recorded and scored.
SELECT s.record_time AS sent_at, s.ingested_at AS ingested_at, max(c.scored_at) AS scored_at
FROM (SELECT window, sample_id, record_time, ingested_at FROM samples FINAL WHERE stratum = '_canary' AND window >= toDateTime({since:UInt32}, 'UTC')) AS s
INNER JOIN (SELECT window, sample_id, scored_at FROM scores FINAL WHERE window >= toDateTime({since:UInt32}, 'UTC')) AS c
    USING (window, sample_id)
GROUP BY s.sample_id, s.record_time, s.ingested_at
ORDER BY s.record_time DESC
LIMIT 1

-- name: dead_letters
-- Dead letters, newest first.
SELECT topic, partition, offset, topic_id, record_time, reason, detail, size, sha256, status, updated_at
FROM dead_letters FINAL
WHERE ({reason:String} = '' OR reason = {reason:String}) AND ({status:String} = '' OR status = {status:String})
ORDER BY updated_at DESC, topic, partition, offset DESC
LIMIT {limit:UInt32}

-- name: dead_letter
-- One dead letter with its evidence, in the topic's latest incarnation first.
SELECT topic, partition, offset, topic_id, toUInt32(window) AS window, record_time, reason, detail, evidence, size, sha256,
    status, updated_at
FROM dead_letters FINAL
WHERE partition = {partition:UInt32} AND offset = {offset:UInt64}
ORDER BY updated_at DESC

-- name: dead_letter_counts
-- Dead letters by reason and status.
SELECT reason, status, count() AS n FROM dead_letters FINAL GROUP BY reason, status ORDER BY n DESC, reason

-- name: interaction
-- One sample with everything about it, by sample id or interaction id.
SELECT *, toUInt32(window) AS window_s
FROM samples FINAL
WHERE sample_id = toUUIDOrNull({id:String}) OR interaction_id = {id:String}
ORDER BY ingested_at DESC
LIMIT 1

-- name: verdicts
-- The visible terminal rows of one sample, with the scorer's name.
SELECT c.dimension AS dimension, c.scorer_id AS scorer_id, c.scorer_kind AS kind, n.name AS name, c.status AS status,
    c.value AS value, c.label AS label, c.reason AS reason, c.scored_at AS scored_at
FROM (SELECT * FROM scores FINAL WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id = {sample_id:UUID}) AS c
LEFT JOIN (SELECT scorer_id, name FROM scorers FINAL) AS n USING (scorer_id)
ORDER BY dimension, scorer_id

-- name: recent
-- The samples that were recorded last, for the console; limited.
SELECT sample_id, interaction_id, record_time, model_name, model_version, locale, tenant, stratum, length(messages) AS size
FROM samples FINAL
WHERE window >= toDateTime({since:UInt32}, 'UTC') AND stratum != '_canary'
ORDER BY record_time DESC, sample_id
LIMIT {limit:UInt32}

-- name: estimate_count
-- How many estimates the rollup has written.
SELECT count() AS n FROM estimates FINAL

-- name: all_scores
-- Every visible verdict with its interaction, for exports and comparisons.
SELECT s.interaction_id AS interaction_id, c.dimension AS dimension, c.scorer_id AS scorer_id, c.status AS status,
    c.value AS value, c.label AS label, c.reason AS reason
FROM (SELECT * FROM scores FINAL) AS c
INNER JOIN (SELECT window, sample_id, interaction_id FROM samples FINAL) AS s USING (window, sample_id)
ORDER BY interaction_id, dimension, scorer_id

-- name: drift_columns
-- The samples of a span as the drift detectors need them; canaries are no traffic. A cut by limit keeps a random part.
-- A verdict's key is its dimension, an at sign and its scorer. Lengths are in characters.
WITH chosen AS
(
    SELECT window, sample_id
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
    ORDER BY hash / probability, sample_id
    LIMIT {limit:UInt32}
)
SELECT
    s.probability AS probability, s.hash AS hash, s.request_length AS request_length,
    s.answer_length AS answer_length, s.turn AS turn, s.feedback AS feedback, s.locale AS locale,
    s.model_version AS model_version, s.tenant AS tenant, s.finish_reason AS finish_reason, c.verdicts AS verdicts
FROM
(
    SELECT window, sample_id, probability, hash, turn, feedback, locale, model_version, tenant, finish_reason,
        lengthUTF8(JSONExtractString(messages, -1, 'content')) AS answer_length,
        lengthUTF8(JSONExtractString(arrayLast(message -> JSONExtractString(message, 'role') = 'user',
            arrayPopBack(JSONExtractArrayRaw(messages))), 'content')) AS request_length
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND (window, sample_id) IN (SELECT window, sample_id FROM chosen)
) AS s
LEFT JOIN
(
    SELECT window, sample_id,
        mapFromArrays(groupArray(concat(dimension, '@', scorer_id)), groupArray(assumeNotNull(value))) AS verdicts
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND (window, sample_id) IN (SELECT window, sample_id FROM chosen)
        AND status = 'scored' AND value IS NOT NULL
    GROUP BY window, sample_id
) AS c USING (window, sample_id)
ORDER BY s.hash / s.probability, s.sample_id

-- name: embeddings
-- Vectors of one part of the samples of a span by one embedder, with what weighs them; canaries are no traffic. A cut by
-- limit keeps a random part.
SELECT s.sample_id AS sample_id, s.probability AS probability, s.hash AS hash, e.scale AS scale, e.vector AS vector
FROM
(
    SELECT window, sample_id, scale, vector
    FROM embeddings FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND embedder = {embedder:String} AND part = {part:String}
) AS e
INNER JOIN
(
    SELECT window, sample_id, probability, hash
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
) AS s USING (window, sample_id)
ORDER BY s.hash / s.probability, s.sample_id
LIMIT {limit:UInt32}

-- name: ledger_offsets
-- Every offset of a topic with its outcome, for gap checks and audits.
SELECT topic_id, partition, toUInt32(window) AS window, stratum, outcome,
    bitmapToArray(groupBitmapMergeState(offsets)) AS offsets
FROM offset_ledger
WHERE topic = {topic:String}
GROUP BY topic_id, partition, window, stratum, outcome

-- name: sample_digests
-- What the sampler decided and what was kept, for comparisons with a second run of the sampler.
SELECT sample_id, probability, hash, JSONExtractString(messages, -1, 'content') AS answer
FROM samples FINAL
WHERE topic = {topic:String}

-- name: score_digests
-- Every visible terminal row, for comparisons with a second run of the scorers.
SELECT toUInt32(window) AS window, sample_id, dimension, scorer_id, status, value, reason FROM scores FINAL

-- name: attempts
-- Earlier attempts at these subjects that did not end well.
SELECT subject, count() AS n, min(span) AS span, max(until) AS until
FROM attempts FINAL
WHERE stage = {stage:String} AND subject IN {subjects:Array(UUID)} AND void = 0
GROUP BY subject

-- name: scoring_deaths
-- Attempts to score these samples of one window that led to no terminal row and were not voided.
SELECT a.subject AS subject, count() AS n, min(a.span) AS span
FROM
(
    SELECT subject, span, at
    FROM attempts FINAL
    WHERE stage = 'score' AND subject IN {ids:Array(UUID)} AND void = 0
) AS a
LEFT JOIN
(
    SELECT sample_id, max(stored_at) AS ended
    FROM scores
    WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
    GROUP BY sample_id
) AS s ON s.sample_id = a.subject
WHERE a.at > s.ended
GROUP BY a.subject

-- name: events
-- What befell the pipeline since a moment, newest first.
SELECT at, kind, severity, process, topic, topic_id, partition, first_offset, last_offset, n, detail
FROM events FINAL
WHERE stored_at >= toDateTime({since:UInt32}, 'UTC') AND ({kind:String} = '' OR kind = {kind:String})
ORDER BY at DESC, event_id
LIMIT {limit:UInt32}

-- name: ledger_edges
-- The offset after the last recorded one, by incarnation and partition.
SELECT topic_id, partition, max(last) + 1 AS next_offset
FROM
(
    SELECT topic_id, partition, groupBitmapMergeState(offsets) AS merged, bitmapMax(merged) AS last
    FROM offset_ledger
    WHERE topic = {topic:String}
    GROUP BY topic_id, partition, window
)
GROUP BY topic_id, partition

-- name: due_depth
-- About how many verdicts are due of what was ingested in the last seconds, for back-pressure: a control signal, so
-- the counts are approximate (0.5 %) and cheap.
WITH recent AS
(
    SELECT window, uniqCombined64(sample_id) AS n
    FROM samples
    WHERE ingested_at >= now64(3) - toIntervalSecond({recent_s:UInt32})
    GROUP BY window
)
SELECT toUInt64(greatest(0, sum(toInt64(n)) * length({scorers:Array(String)}) - toInt64((
    SELECT uniqCombined64(sample_id, scorer_id)
    FROM scores
    WHERE window IN (SELECT window FROM recent) AND scorer_id IN {scorers:Array(String)}
)))) AS due
FROM recent

-- name: recorded_between
-- The offsets of a range, ends included, that have an outcome.
SELECT arraySort(bitmapToArray(bitmapSubsetInRange(groupBitmapMergeState(offsets), {first:UInt64}, {last:UInt64} + 1))) AS offsets
FROM offset_ledger
WHERE topic = {topic:String} AND topic_id = {topic_id:UUID} AND partition = {partition:UInt32}

-- name: ledger_topics
-- The topics that have a ledger.
SELECT DISTINCT topic FROM offset_ledger ORDER BY topic

-- name: ledger_partitions
-- The incarnations and partitions of a topic that have a ledger, the incarnation that was read last first.
SELECT topic_id, partition, max(max(window)) OVER (PARTITION BY topic_id) AS latest
FROM offset_ledger
WHERE topic = {topic:String}
GROUP BY topic_id, partition
ORDER BY latest DESC, topic_id, partition

-- name: ledger_coverage
-- One partition's ledger by outcome, and of all outcomes together ('all'): different offsets, offsets summed over the
-- cells (more = an offset has two outcomes), first and last.
SELECT what AS outcome, bitmapCardinality(groupBitmapMergeState(cell)) AS n, sum(bitmapCardinality(cell)) AS in_cells,
    min(bitmapMin(cell)) AS first_offset, max(bitmapMax(cell)) AS last_offset
FROM
(
    SELECT window, stratum, outcome, groupBitmapMergeState(offsets) AS cell
    FROM offset_ledger
    WHERE topic = {topic:String} AND topic_id = {topic_id:UUID} AND partition = {partition:UInt32}
    GROUP BY window, stratum, outcome
)
ARRAY JOIN [toString(outcome), 'all'] AS what
GROUP BY what

-- name: ledger_chunks
-- How many offsets of one partition have one of these outcomes (none named = any), by chunk; empty chunks are left out.
-- A chunk is cut out with a bitmap of its own: bitmapSubsetInRange walks from the first offset each time.
SELECT chunk, bitmapAndCardinality(merged, bitmapBuild(range(chunk, chunk + {size:UInt64}))) AS n
FROM
(
    SELECT groupBitmapMergeState(offsets) AS merged
    FROM offset_ledger
    WHERE topic = {topic:String} AND topic_id = {topic_id:UUID} AND partition = {partition:UInt32}
        AND (empty({outcomes:Array(String)}) OR has({outcomes:Array(String)}, outcome))
)
ARRAY JOIN {chunks:Array(UInt64)} AS chunk
WHERE n > 0
ORDER BY chunk

-- name: ledger_runs
-- The runs of consecutive offsets in these chunks that have one of these outcomes (none named = any): the first and the
-- last offset of each.
SELECT
    arrayFilter((one, before) -> one != before + 1, found, arrayPopBack(arrayPushFront(found, found[1]))) AS firsts,
    arrayFilter((one, after) -> one + 1 != after, found, arrayPopFront(arrayPushBack(found, 0))) AS lasts
FROM
(
    SELECT chunk, arraySort(bitmapToArray(bitmapAnd(merged, bitmapBuild(range(chunk, chunk + {size:UInt64}))))) AS found
    FROM
    (
        SELECT groupBitmapMergeState(offsets) AS merged
        FROM offset_ledger
        WHERE topic = {topic:String} AND topic_id = {topic_id:UUID} AND partition = {partition:UInt32}
            AND (empty({outcomes:Array(String)}) OR has({outcomes:Array(String)}, outcome))
    )
    ARRAY JOIN {chunks:Array(UInt64)} AS chunk
)
ORDER BY chunk

-- name: ledger_doubled
-- The runs of consecutive offsets of one partition that stand in more than one cell, which none may: the first and the
-- last offset of each, at most so many.
WITH cells AS
(
    SELECT window, stratum, outcome, groupBitmapMergeState(offsets) AS cell
    FROM offset_ledger
    WHERE topic = {topic:String} AND topic_id = {topic_id:UUID} AND partition = {partition:UInt32}
    GROUP BY window, stratum, outcome
)
SELECT
    arraySlice(arrayFilter((one, before) -> one != before + 1, found,
        arrayPopBack(arrayPushFront(found, found[1]))), 1, {limit:UInt32}) AS firsts,
    arraySlice(arrayFilter((one, after) -> one + 1 != after, found,
        arrayPopFront(arrayPushBack(found, 0))), 1, {limit:UInt32}) AS lasts
FROM
(
    SELECT arraySort(bitmapToArray(groupBitmapMergeState(bitmapAnd(a.cell, b.cell)))) AS found
    FROM cells AS a
    CROSS JOIN cells AS b
    WHERE (a.window, a.stratum, a.outcome) < (b.window, b.stratum, b.outcome)
        AND bitmapMin(a.cell) <= bitmapMax(b.cell) AND bitmapMin(b.cell) <= bitmapMax(a.cell)
)

-- name: sample_hashes
-- Some samples of a topic, the newest windows first, with the hash by which they were chosen; masked ids are left out,
-- their hash is of what was masked.
SELECT conversation_id, hash
FROM samples
WHERE topic = {topic:String} AND NOT startsWith(conversation_id, 'redacted-')
ORDER BY window DESC
LIMIT {limit:UInt32}

-- name: event_counts
-- Events that ask for a person since a moment, by kind and severity, with the newest of each.
SELECT kind, severity, count() AS n, max(at) AS latest
FROM events FINAL
WHERE stored_at >= toDateTime({since:UInt32}, 'UTC') AND severity != 'info'
GROUP BY kind, severity
ORDER BY kind, severity

-- name: unconsidered
-- Samples that a judge was not considered for yet, of those ingested in the last seconds; canaries are no traffic.
WITH recent AS
(
    SELECT DISTINCT window, sample_id
    FROM samples
    WHERE ingested_at >= now64(3) - toIntervalSecond({oldest_s:UInt32}) AND stratum != '_canary'
)
SELECT toUInt32(r.window) AS window, r.sample_id AS sample_id
FROM recent AS r
LEFT ANTI JOIN
(
    SELECT window, sample_id
    FROM selections
    WHERE judge = {judge:String} AND window IN (SELECT window FROM recent)
) AS s USING (window, sample_id)
ORDER BY r.window DESC, r.sample_id
LIMIT {limit:UInt32}

-- name: judge_due
-- Samples that a judge is to see and that lack a terminal row of one of its scorers, in order of hash over probability
-- inside a window: what an empty budget leaves is a random tail (I11).
WITH chosen AS
(
    SELECT window, sample_id, hash, probability
    FROM selections FINAL
    WHERE judge = {judge:String} AND selected = 1 AND decided_at >= now64(3) - toIntervalSecond({oldest_s:UInt32})
)
SELECT toUInt32(c.window) AS window, c.sample_id AS sample_id
FROM chosen AS c
LEFT JOIN
(
    SELECT window, sample_id, uniqExact(scorer_id) AS terminal
    FROM scores
    WHERE window IN (SELECT window FROM chosen) AND scorer_id IN {scorers:Array(String)}
    GROUP BY window, sample_id
) AS t USING (window, sample_id)
WHERE t.terminal < length({scorers:Array(String)})
ORDER BY c.window DESC, c.hash / c.probability
LIMIT {limit:UInt32}

-- name: judge_selected
-- Which of these samples a judge is to see.
SELECT sample_id
FROM selections FINAL
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)} AND judge = {judge:String}
    AND selected = 1

-- name: judge_answers
-- The first answer of an endpoint to each of these questions.
SELECT question, argMin(call_id, called_at) AS call_id, argMin(model, called_at) AS model, argMin(stop, called_at) AS stop,
    argMin(reply, called_at) AS reply, argMin(logprobs, called_at) AS logprobs,
    argMin(input_tokens, called_at) AS input_tokens, argMin(output_tokens, called_at) AS output_tokens,
    argMin(cached_tokens, called_at) AS cached_tokens
FROM judge_calls FINAL
WHERE endpoint = {endpoint:String} AND question IN {questions:Array(String)}
GROUP BY question

-- name: budget_caps
-- The last change of each cap of judges; how many there were tells which reading is the newer one.
SELECT scope, cap, argMax(value, (set_at, change_id)) AS value, uniqExact(change_id) AS changes
FROM budgets
GROUP BY scope, cap
ORDER BY scope, cap

-- name: budget_opened
-- Was a budget of judges ever opened, or a judge ever paid?
SELECT (SELECT count() FROM budget_events FINAL WHERE kind = 'opened') + (SELECT count() FROM judge_calls FINAL) > 0 AS opened

-- name: budget_spent
-- Calls and money since a moment, of one endpoint or (none named) of all: answered ones, and lost ones that have no answer.
SELECT count() AS calls, sum(micro_usd) AS micro_usd
FROM
(
    SELECT cost_micro_usd AS micro_usd
    FROM judge_calls FINAL
    WHERE called_at >= fromUnixTimestamp64Milli({since:Int64}) AND ({endpoint:String} = '' OR endpoint = {endpoint:String})
    UNION ALL
    SELECT micro_usd
    FROM budget_events FINAL
    WHERE kind = 'lost' AND at >= fromUnixTimestamp64Milli({since:Int64})
        AND ({endpoint:String} = '' OR endpoint = {endpoint:String})
        AND event_id NOT IN (SELECT call_id FROM judge_calls WHERE called_at >= fromUnixTimestamp64Milli({since:Int64}) - toIntervalDay(1))
)

-- name: values
-- The visible values that these scorers gave these samples of one window; null where there is a row without a value.
SELECT sample_id, dimension, value
FROM scores FINAL
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
    AND scorer_id IN {scorers:Array(String)}

-- name: judge_progress
-- What a judge was to see of a span's traffic and what came of it: samples it is to see, samples not yet decided on,
-- terminal rows and scores of these scorers.
WITH traffic AS
(
    SELECT DISTINCT sample_id
    FROM samples
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
),
decided AS
(
    SELECT sample_id, selected
    FROM selections FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND judge = {judge:String} AND sample_id IN (SELECT sample_id FROM traffic)
)
SELECT
    (SELECT countIf(selected = 1) FROM decided) AS chosen,
    (SELECT count() FROM traffic) - (SELECT count() FROM decided) AS undecided,
    uniqExact(sample_id, scorer_id) AS terminal,
    uniqExactIf((sample_id, scorer_id), status = 'scored') AS scored
FROM scores FINAL
WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
    AND scorer_id IN {scorers:Array(String)} AND sample_id IN (SELECT sample_id FROM decided WHERE selected = 1)

-- name: span_decisions
-- All traffic of a span with what was decided for a judge; probability 0 = nothing yet. Canaries are no traffic.
SELECT toUInt32(t.window) AS window, t.sample_id AS sample_id, s.probability AS probability, s.selected AS selected
FROM
(
    SELECT DISTINCT window, sample_id
    FROM samples
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
) AS t
LEFT JOIN
(
    SELECT window, sample_id, probability, selected
    FROM selections FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND judge = {judge:String}
) AS s USING (window, sample_id)
ORDER BY t.window, t.sample_id

-- name: judge_past_cost
-- Answered calls of an endpoint about samples and what they cost; planted attacks name no sample and are left out.
SELECT count() AS calls, sum(cost_micro_usd) AS micro_usd
FROM judge_calls FINAL
WHERE endpoint = {endpoint:String} AND sample_id != toUUID('00000000-0000-0000-0000-000000000000')

-- name: judge_verdicts
-- The visible terminal rows of these scorers about these samples of one window.
SELECT sample_id, dimension, scorer_id, status, label, value
FROM scores FINAL
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
    AND scorer_id IN {scorers:Array(String)}

-- name: judge_versions
-- All versions of the code by which a judge of this name has ever scored.
SELECT DISTINCT code_version
FROM scorers
WHERE kind = 'judge' AND name = {judge:String}
ORDER BY code_version

-- name: attack_ran
-- Was this run of planted attacks on a judge written down already?
SELECT count() > 0 AS ran
FROM attack_results
WHERE judge = {judge:String} AND scorer_id = {scorer:String} AND seed = {seed:UInt64}

-- name: attack_counts
-- What became of planted attacks since a moment, by judge and attack.
SELECT judge, attack, sum(planted) AS planted, sum(succeeded) AS succeeded, sum(unsupported) AS unsupported,
    sum(right) AS right, sum(other) AS other, sum(unscored) AS unscored, max(at) AS last
FROM attack_results FINAL
WHERE at >= fromUnixTimestamp64Milli({since:Int64})
GROUP BY judge, attack
ORDER BY judge, attack

-- name: panel_undecided
-- Samples that all members of a panel have decided on, by the same hash, and whose decision for the panel is missing or
-- does not follow from theirs: it sees what all of them see, so its chance is the smallest of theirs. Looked at are the
-- windows in which a member decided in the last seconds. `before` is the chance that stands there; 0 = none.
WITH recent AS
(
    SELECT DISTINCT window
    FROM selections
    WHERE judge IN {judges:Array(String)} AND decided_at >= now64(3) - toIntervalSecond({oldest_s:UInt32})
)
SELECT toUInt32(m.window) AS window, m.sample_id AS sample_id, m.chance AS probability, m.number AS hash,
    m.chosen AS selected, p.probability AS before
FROM
(
    SELECT window, sample_id, min(probability) AS chance, any(hash) AS number, min(selected) AS chosen
    FROM selections FINAL
    WHERE judge IN {judges:Array(String)} AND window IN (SELECT window FROM recent)
    GROUP BY window, sample_id
    HAVING count() = length({judges:Array(String)}) AND uniqExact(hash) = 1
) AS m
LEFT JOIN
(
    SELECT window, sample_id, probability, hash, selected
    FROM selections FINAL
    WHERE judge = {judge:String} AND window IN (SELECT window FROM recent)
) AS p USING (window, sample_id)
WHERE (p.probability, p.hash, p.selected) != (m.chance, m.number, m.chosen)
ORDER BY m.window DESC, m.sample_id
LIMIT {limit:UInt32}

-- name: panel_due
-- Samples and dimensions that a panel (its scorers are `scorers`) is to see and has no terminal row for, though all of its
-- `seats` members have theirs (their scorers are `members`, of all dimensions). Looked at are the windows in which a
-- member judged in the last seconds.
WITH recent AS
(
    SELECT DISTINCT window
    FROM scores
    WHERE stored_at >= now64(3) - toIntervalSecond({oldest_s:UInt32}) AND scorer_id IN {members:Array(String)}
)
SELECT toUInt32(r.window) AS window, r.sample_id AS sample_id, r.dimension AS dimension
FROM
(
    SELECT window, sample_id, dimension
    FROM scores
    WHERE window IN (SELECT window FROM recent)
        AND scorer_id IN arrayConcat({members:Array(String)}, {scorers:Array(String)})
    GROUP BY window, sample_id, dimension
    HAVING uniqExactIf(scorer_id, scorer_id IN {members:Array(String)}) = {seats:UInt32}
        AND countIf(scorer_id IN {scorers:Array(String)}) = 0
) AS r
INNER JOIN
(
    SELECT window, sample_id, hash, probability
    FROM selections FINAL
    WHERE judge = {judge:String} AND selected = 1 AND window IN (SELECT window FROM recent)
) AS c USING (window, sample_id)
ORDER BY r.window DESC, c.hash / c.probability, r.dimension
LIMIT {limit:UInt32}

-- name: panel_votes
-- The visible terminal rows of these scorers about these samples of one window, without any text; `mark` opens the reason
-- of a verdict whose evidence was not found.
SELECT sample_id, dimension, scorer_id, status, label, value, startsWith(reason, {mark:String}) AS unsupported
FROM scores FINAL
WHERE window = toDateTime({window:UInt32}, 'UTC') AND sample_id IN {ids:Array(UUID)}
    AND scorer_id IN {scorers:Array(String)}
ORDER BY sample_id, dimension, scorer_id

-- name: panel_disagreements
-- What a panel has judged in a span though its members' labels differ, the furthest apart first: `distance` is the mean
-- absolute difference of the values of two members that have a verdict, `differing` the share of such pairs whose labels
-- differ. Ids and labels only; `mark` as in panel_votes.
WITH apart AS
(
    SELECT window, sample_id, dimension,
        groupArrayIf((scorer_id, status, label, value, startsWith(reason, {mark:String})),
            scorer_id IN {members:Array(String)}) AS votes,
        groupArrayIf((label, assumeNotNull(value)), scorer_id IN {members:Array(String)} AND status = 'scored') AS said,
        length(said) * (length(said) - 1) AS pairs,
        arraySum(a -> arraySum(b -> abs(a.2 - b.2), said), said) / pairs AS distance,
        arraySum(a -> arraySum(b -> a.1 != b.1, said), said) / pairs AS differing,
        anyIf(label, scorer_id IN {scorers:Array(String)}) AS verdict
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND scorer_id IN arrayConcat({members:Array(String)}, {scorers:Array(String)})
    GROUP BY window, sample_id, dimension
    HAVING uniqExactIf(label, scorer_id IN {members:Array(String)} AND status = 'scored') > 1
        AND countIf(scorer_id IN {scorers:Array(String)}) > 0
    ORDER BY distance DESC, differing DESC, window DESC, sample_id, dimension
    LIMIT {limit:UInt32}
)
SELECT toUInt32(a.window) AS window, a.sample_id AS sample_id, s.interaction_id AS interaction_id,
    a.dimension AS dimension, a.votes AS votes, a.distance AS distance, a.differing AS differing, a.verdict AS verdict
FROM apart AS a
INNER JOIN
(
    SELECT window, sample_id, interaction_id
    FROM samples FINAL
    WHERE (window, sample_id) IN (SELECT window, sample_id FROM apart)
) AS s USING (window, sample_id)
ORDER BY a.distance DESC, a.differing DESC, a.window DESC, a.sample_id, a.dimension

-- name: label_places
-- The samples that these ids mean, by sample or by interaction; canaries are no traffic.
SELECT DISTINCT toUInt32(window) AS window, sample_id, interaction_id
FROM samples
WHERE (sample_id IN {ids:Array(UUID)} OR interaction_id IN {names:Array(String)}) AND stratum != '_canary'

-- name: labels_of
-- All labels of these samples.
SELECT sample_id, dimension, reviewer, label, note, toUnixTimestamp64Milli(labelled_at) AS labelled_ms
FROM labels FINAL
WHERE window IN {windows:Array(UInt32)} AND sample_id IN {ids:Array(UUID)}

-- name: labels_drawn
-- Which of these samples were drawn to be labelled.
SELECT DISTINCT sample_id
FROM selections FINAL
WHERE window IN {windows:Array(UInt32)} AND sample_id IN {ids:Array(UUID)} AND judge = {judge:String} AND selected = 1

-- name: label_rows
-- The labels of a span, with all that is known of each.
SELECT toUInt32(window) AS window, sample_id, dimension, reviewer, label, value, note, rubric, labelled_at, import_id
FROM labels FINAL
WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
ORDER BY window, sample_id, dimension, reviewer

-- name: label_items
-- The labels of a span with what is known of their samples, in one dimension or (none named) in all; without any text.
-- `drawn` says whether the sample was drawn to be labelled; lengths are in characters.
SELECT l.dimension AS dimension, l.sample_id AS sample_id, l.reviewer AS reviewer, l.label AS label, l.value AS value,
    l.rubric AS rubric, toString(s.hash) AS conversation, s.locale AS locale, s.length AS length, d.selected = 1 AS drawn
FROM
(
    SELECT window, sample_id, dimension, reviewer, label, value, rubric, concat('human:', dimension) AS judge
    FROM labels FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND ({dimension:String} = '' OR dimension = {dimension:String})
) AS l
INNER JOIN
(
    SELECT window, sample_id, hash, locale, lengthUTF8(JSONExtractString(messages, -1, 'content')) AS length
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND sample_id IN
        (
            SELECT sample_id
            FROM labels
            WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        )
) AS s USING (window, sample_id)
LEFT JOIN
(
    SELECT window, sample_id, judge, selected
    FROM selections FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND startsWith(judge, 'human:')
) AS d USING (window, sample_id, judge)
ORDER BY l.dimension, l.window, l.sample_id, l.reviewer

-- name: label_scores
-- What scorers made of the samples that somebody labelled in the same dimension (one, or none named: all), in a span.
SELECT c.dimension AS dimension, c.sample_id AS sample_id, c.scorer_id AS scorer_id, n.name AS name, c.label AS label,
    c.value AS value, if(mapContains(c.probabilities, c.label), c.probabilities[c.label], NULL) AS confidence
FROM
(
    SELECT window, sample_id, dimension, scorer_id, label, value, probabilities
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND status = 'scored' AND (window, sample_id, dimension) IN
        (
            SELECT window, sample_id, dimension
            FROM labels
            WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
                AND ({dimension:String} = '' OR dimension = {dimension:String})
        )
) AS c
LEFT JOIN (SELECT scorer_id, any(name) AS name FROM scorers GROUP BY scorer_id) AS n ON n.scorer_id = c.scorer_id
ORDER BY c.dimension, c.sample_id, c.scorer_id

-- name: phases
-- All traffic of a span with what each phase knows of it in one dimension; canaries are no traffic. `pi2` and `chance` are
-- those of the judge and of the draw for people, 0 where nothing was decided; `number` is the hash they were decided by;
-- `open` says that the judge is to see it and has not ended; `yes` is the share of yes among reviewers that are sure, NaN
-- without one. `labels` counts labels, `done` those by one reviewer where named. Ids and fields are empty unless asked for.
SELECT toUInt32(s.window) AS window, if({with_ids:UInt8}, toString(s.sample_id), '') AS sample, s.stratum AS stratum,
    s.probability AS pi1, s.hash AS hash, ifNull(f.value, nan) AS f,
    j.probability AS pi2, j.selected AS judged, ifNull(g.value, nan) AS g, j.selected AND g.status = '' AS open,
    h.probability AS chance, h.selected AS drawn, if(h.probability > 0, h.hash, j.hash) AS number,
    if(y.sure > 0, y.yes / y.sure, nan) AS yes, y.labels AS labels, y.done AS done,
    model, model_version, locale, tenant, deployment, prompt_version
FROM
(
    SELECT window, sample_id, stratum, probability, hash,
        if(has({by:Array(String)}, 'model'), model_name, '') AS model,
        if(has({by:Array(String)}, 'model_version'), samples.model_version, '') AS model_version,
        if(has({by:Array(String)}, 'locale'), samples.locale, '') AS locale,
        if(has({by:Array(String)}, 'tenant'), samples.tenant, '') AS tenant,
        if(has({by:Array(String)}, 'deployment'), samples.deployment, '') AS deployment,
        if(has({by:Array(String)}, 'prompt_version'), samples.prompt_version, '') AS prompt_version
    FROM samples FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND stratum != '_canary'
) AS s
LEFT JOIN
(
    SELECT window, sample_id, value
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND dimension = {dimension:String} AND scorer_id = {classifier:String}
) AS f USING (window, sample_id)
LEFT JOIN
(
    SELECT window, sample_id, probability, selected, hash
    FROM selections FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND judge = {judge:String}
) AS j USING (window, sample_id)
LEFT JOIN
(
    SELECT window, sample_id, status, value
    FROM scores FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND dimension = {dimension:String} AND scorer_id = {scorer:String}
) AS g USING (window, sample_id)
LEFT JOIN
(
    SELECT window, sample_id, probability, selected, hash
    FROM selections FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND judge = concat('human:', {dimension:String})
) AS h USING (window, sample_id)
LEFT JOIN
(
    SELECT window, sample_id, count() AS labels, countIf(NOT isNaN(value)) AS sure, countIf(value > 0.5) AS yes,
        countIf({reviewer:String} = '' OR reviewer = {reviewer:String}) AS done
    FROM labels FINAL
    WHERE window >= toDateTime({since:UInt32}, 'UTC') AND window < toDateTime({until:UInt32}, 'UTC')
        AND dimension = {dimension:String}
    GROUP BY window, sample_id
) AS y USING (window, sample_id)
ORDER BY s.window, s.sample_id

-- name: label_sheet
-- These samples as the person who is to label them is told of them; without what was said, unless it is asked for.
SELECT sample_id, interaction_id, locale, model_version, if({text:UInt8}, messages, '') AS messages
FROM samples FINAL
WHERE window IN {windows:Array(UInt32)} AND sample_id IN {ids:Array(UUID)}
