"""What people and programs ask and tell a running rproxy over HTTP; imported only where [admin] is configured.

It is not the hot path, so libraries do it: FastAPI has the paths, their checks and the OpenAPI, hypercorn speaks HTTP
on Trio, prometheus-client writes the metrics. They take half a second to import and 18 MiB.
"""
