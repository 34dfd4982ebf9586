"""Counting what ended: times in buckets, a tally per process, totals over all of them."""
