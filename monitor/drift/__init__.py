"""Drift: which columns of the traffic changed between two spans (DESIGN §9).

`windows` reads a span, `resample` undoes the sampling weights, `noise` says how far chance alone moves a distance,
`detectors` compares with evidently, `result` is what comes out.
"""
