"""What the service costs beside the bare clients it is built on: `python -m bench` (`make bench`).

Everything is measured in one run, on one embedded broker and one engine, ours and the bare one in turn, and each
ratio is the median over the rounds: a machine that is slow for a while slows both sides.

    messages.py   makes the traffic
    meter.py      measures one loop from its first delivery to its last
    consume.py    the process that is measured: the real ingest worker, or a bare poll loop
    produce.py    the process that fills the topic
    processes.py  runs those two
    ingest.py     ingest beside poll; memory over a long run
    store.py      our insert path beside a bare clickhouse-connect insert
    classify.py   the whole classify path beside the bare embedder, on the chats of chats.py
    summary.py    measurements -> the JSON object
"""
