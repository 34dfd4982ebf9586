"""Whether a backend is fit for work: by probes, by what traffic meets, and gently after a recovery."""
