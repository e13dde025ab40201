"""Every Prometheus metric of the service, in one list; `/metrics` of each process shows those that it moves."""

from prometheus_client import Counter, Gauge

CONSUMED = Counter("alignment_monitor_consumed_records_total", "Kafka records that were recorded.")
SAMPLED = Counter("alignment_monitor_sampled_records_total", "Kafka records that are in the sample.")
DEAD = Counter("alignment_monitor_dead_letters_total", "Kafka records that could not be read.", ["reason"])
LOST = Counter("alignment_monitor_lost_records_total", "Offsets that Kafka dropped before they were read.")
BATCHES = Counter("alignment_monitor_batches_total", "Batches that were recorded and committed.")
RETRIES = Counter("alignment_monitor_batch_retries_total", "Times that a batch could not be recorded at once.")
COMMITS_REFUSED = Counter("alignment_monitor_commits_refused_total", "Commits that Kafka refused.")
HINTS = Counter("alignment_monitor_hints_total", "Hints for the scoring queue.", ["result"])
"""`result` is sent, failed or dropped."""
EVENTS = Counter("alignment_monitor_events_total", "Rows noted for the table `events`.", ["kind", "severity"])
READY = Gauge("alignment_monitor_ready", "1 while the process gets its work done.")
PAUSED = Gauge("alignment_monitor_paused", "1 while ingest waits, by cause.", ["cause"])
"""`cause` is store or back_pressure."""
DUE = Gauge("alignment_monitor_due_verdicts", "Verdicts that are still due, as ingest last looked.")
EMBEDDINGS_LOST = Counter(
    "alignment_monitor_embeddings_lost_total", "Interactions whose vectors were not stored.", ["cause"]
)
"""`cause` is embedder or store."""
JUDGE_CALLS = Counter("alignment_monitor_judge_calls_total", "Calls that a judge answered.", ["judge"])
JUDGE_CACHED = Counter("alignment_monitor_judge_cached_total", "Questions answered from earlier calls.", ["judge"])
JUDGE_MICRO_USD = Counter(
    "alignment_monitor_judge_micro_usd_total", "What calls cost, in millionths of a US dollar.", ["judge"]
)
INJECTIONS_JUDGED = Counter(
    "alignment_monitor_injections_judged_total", "Planted attacks that a judge answered.", ["judge", "attack"]
)
INJECTION_SUCCESSES = Counter(
    "alignment_monitor_injection_successes_total",
    "Planted attacks that got the label that they wished for.",
    ["judge", "attack"],
)
"""`attack` is `control` where nothing was planted: how often the judge errs unasked."""
