"""Broken files and all that is said about them, word for word: the messages are read by people who read no manual.

One long catalogue, so that all of them can be read for tone and clarity in one go.
"""
# ruff: noqa: E501  a message is one line, as long as it may be

import pytest
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from proxy.core.config import check_text, render_problems
from proxy.core.config.messages import findings

BROKEN = [
    (
        "settings of TLS that are not quite right",
        """\
[frontends.web]
listen = "127.0.0.1:8443"
pool = "app"
[frontends.web.tls]
certificates = [{ certificate = "site.pem", kei = "site.key" }]
minimum_version = "1.1"
client_certificates = "require"
client_ca = ""
alpn = [""]
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:45: unknown key "kei"; did you mean "key"?
  certificates = [{ certificate = "site.pem", kei = "site.key" }]
                                              ^
for example: key = "/etc/rproxy/site.key"

lb.toml:6:19: "1.1" is not a value of "minimum_version": it takes "1.2" or "1.3"; did you mean "1.3"?
  minimum_version = "1.1"
                    ^
for example: minimum_version = "1.3"

lb.toml:7:23: "require" is not a value of "client_certificates": it takes "off", "optional" or "required"; did you mean "required"?
  client_certificates = "require"
                        ^
for example: client_certificates = "required"

lb.toml:8:13: "" is not the name of a file: write one like "/etc/rproxy/ca.pem"
  client_ca = ""
              ^
for example: client_ca = "/etc/rproxy/clients-ca.pem"

lb.toml:9:9: "" is not the name of a protocol: write one like "http/1.1"
  alpn = [""]
          ^
for example: alpn = ["http/1.1"]
""",
    ),
    (
        "a misspelt key",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.timeouts]
idel = "1h"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:1: unknown key "idel"; did you mean "idle"?
  idel = "1h"
  ^
for example: idle = "1h"
""",
    ),
    (
        "an upgrade to HTTP/2, and a policy that there is not",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
upgrades = ["websocket", "h2c"]
underscores = "reject"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:26: "h2c" is never passed on: HTTP/2 behind an upgrade would carry requests past routes, limits and every check of their form
  upgrades = ["websocket", "h2c"]
                           ^
for example: upgrades = ["websocket"]

lb.toml:5:15: "reject" is not a value of "underscores": it takes "drop", "refuse" or "keep"
  underscores = "reject"
                ^
for example: underscores = "drop"
""",
    ),
    (
        "a misspelt table",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.limit]
headers = 50
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:16: unknown table "limit"; did you mean "limits"?
  [frontends.web.limit]
                 ^
for example: [frontends.web.limits]
""",
    ),
    (
        "a misspelt table at the top",
        """\
[frontend.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:1:2: unknown table "frontend"; did you mean "frontends"?
  [frontend.web]
   ^
for example: [frontends.web]
""",
    ),
    (
        "a misspelt table of another kind",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.route]
path = "/"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:16: unknown table "route"; did you mean "routes"?
  [frontends.web.route]
                 ^
for example: routes = [{ path = "/v1/", pool = "api" }]
""",
    ),
    (
        "an empty table at the top",
        """\
[pool]
[frontends.web]
listen = "127.0.0.1:8080"
pool = "a"
""",
        """\
lb.toml:1:2: unknown table "pool"; did you mean "pools"?
  [pool]
   ^
for example: pools.app = { backends = ["127.0.0.1:9001"] }
""",
    ),
    (
        "an access log with a relative path",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
access_log = { to = "web.log" }
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:21: "web.log" is no place for a log: write "stdout", a path like "/var/log/rproxy/web.log", "syslog", or "syslog:udp:127.0.0.1:514"
  access_log = { to = "web.log" }
                      ^
for example: to = "/var/log/rproxy/web.log"
""",
    ),
    (
        "an access log in a format of another proxy",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.access_log]
format = "httplog"
only = "error"
buffer = "1KiB"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:10: "httplog" is not a value of "format": it takes "json" or "combined"
  format = "httplog"
           ^
for example: format = "json"

lb.toml:6:8: "error" is not a value of "only": it takes "all" or "errors"; did you mean "errors"?
  only = "error"
         ^
for example: only = "errors"

lb.toml:7:10: 1KiB is out of range: from 64KiB to 256MiB is allowed here
  buffer = "1KiB"
           ^
for example: buffer = "4MiB"
""",
    ),
    (
        "a word of another proxy",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
servers = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:1: unknown key "servers"; did you mean "backends"?
  servers = ["127.0.0.1:9001"]
  ^
for example: backends = ["127.0.0.1:9001", "unix:/run/app.sock"]
""",
    ),
    (
        "a word of another proxy in an array",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
retry_on = ["reset", "http_503"]
""",
        """\
lb.toml:6:22: "http_503" is not a value of "retry_on": it takes "connect-failure", "closed", "reset", "unhealthy", "response-head-timeout", "bad-response", "429", "500", "502", "503", "504" or "non-idempotent"; did you mean "503"?
  retry_on = ["reset", "http_503"]
                       ^
for example: retry_on = ["closed", "reset", "503"]
""",
    ),
    (
        "a key one table too high",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
keep_alive = "5s"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:1: unknown key "keep_alive"; it belongs in [frontends.web.timeouts]
  keep_alive = "5s"
  ^
for example: keep_alive = "60s"
""",
    ),
    (
        "a key that is like no other",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[shutdown]
force = true
""",
        """\
lb.toml:7:1: unknown key "force"; known here: drain
  force = true
  ^
""",
    ),
    (
        "a misspelt pool",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "ap"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:3:8: there is no pool "ap"; did you mean "app"?
  pool = "ap"
         ^
for example: pool = "app"
""",
    ),
    (
        "text for a number",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
queue = "many"
""",
        """\
lb.toml:6:9: "queue" must be a whole number, not "many"
  queue = "many"
          ^
for example: queue = 1024
""",
    ),
    (
        "a number for text",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = 3
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:3:8: "pool" must be text in quotes, not 3
  pool = 3
         ^
for example: pool = "app"
""",
    ),
    (
        "a value for a table",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
timeouts = "30s"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:12: "timeouts" must be a table, not "30s"
  timeouts = "30s"
             ^
for example: timeouts = { idle = "1h" }
""",
    ),
    (
        "a table for an array",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.routes]
host = "example.com"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:16: "routes" must be an array, not a table
  [frontends.web.routes]
                 ^
for example: routes = [{ path = "/v1/", pool = "api" }]
""",
    ),
    (
        "an array for true or false",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
socket.reuse_port = []
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:21: "reuse_port" must be true or false, not an array
  socket.reuse_port = []
                      ^
for example: reuse_port = true
""",
    ),
    (
        "a table for text",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[[frontends.web.routes]]
path = {}
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:8: "path" must be text in quotes, not a table
  path = {}
         ^
for example: path = "/v1/"
""",
    ),
    (
        "a date for a number",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
retries = 2020-01-01
""",
        """\
lb.toml:6:11: "retries" must be a whole number, not 2020-01-01
  retries = 2020-01-01
            ^
for example: retries = 3
""",
    ),
    (
        "an item of the wrong type",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
upgrades = [1]
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:13: an item of "upgrades" must be text in quotes, not 1
  upgrades = [1]
              ^
for example: upgrades = ["websocket"]
""",
    ),
    (
        "a duration without a unit",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[shutdown]
drain = "30"
""",
        """\
lb.toml:7:9: "30" has no unit: write "30s" for seconds
  drain = "30"
          ^
for example: drain = "30s"
""",
    ),
    (
        "a duration in words",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
timeouts.connect = "3 seconds"
""",
        """\
lb.toml:6:20: "3 seconds" is not a duration: write a number and ms, s, m, h or d, like "250ms" or "30s"
  timeouts.connect = "3 seconds"
                     ^
for example: connect = "3s"
""",
    ),
    (
        "a duration that is too long",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
timeouts.connect = "2d"
""",
        """\
lb.toml:6:20: "2d" is too long: at most 1d is allowed here
  timeouts.connect = "2d"
                     ^
for example: connect = "3s"
""",
    ),
    (
        "a size of another kind",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
limits.head = "64k"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:15: "64k" is not a size: sizes count in powers of 1024, write "64KiB"
  limits.head = "64k"
                ^
for example: head = "16KiB"
""",
    ),
    (
        "a size that is too large",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
limits.head = "1GiB"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:15: 1GiB is out of range: from 1KiB to 1MiB is allowed here
  limits.head = "1GiB"
                ^
for example: head = "16KiB"
""",
    ),
    (
        "limits and timeouts of a client",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.web.limits]
body_rate = "1KB"
send_rate = "slow"
connections_per_client = -1
requests_per_connection = "1000"
[frontends.web.timeouts]
exchange = 0
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:13: "1KB" is not a size: sizes count in powers of 1024, write "1KiB"
  body_rate = "1KB"
              ^
for example: body_rate = "1KiB"

lb.toml:6:13: "slow" is not a size: write a number and B, KiB, MiB or GiB, like "16KiB"
  send_rate = "slow"
              ^
for example: send_rate = "1KiB"

lb.toml:7:26: "connections_per_client" must be at least 0, not -1
  connections_per_client = -1
                           ^
for example: connections_per_client = 200

lb.toml:8:27: "requests_per_connection" must be a whole number, not "1000"
  requests_per_connection = "1000"
                            ^
for example: requests_per_connection = 1000

lb.toml:10:12: 0 is too short: a duration must be longer than 0
  exchange = 0
             ^
for example: exchange = "10m"
""",
    ),
    (
        "a number that is too small",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = [{ address = "127.0.0.1:9001", weight = 0 }]
""",
        """\
lb.toml:5:52: "weight" must be at least 1, not 0
  backends = [{ address = "127.0.0.1:9001", weight = 0 }]
                                                     ^
for example: weight = 4
""",
    ),
    (
        "a number that is too large",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
retries = 1000
""",
        """\
lb.toml:6:11: "retries" must be at most 100, not 1000
  retries = 1000
            ^
for example: retries = 3
""",
    ),
    (
        "an unknown balance",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
balance = "least-conections"
""",
        """\
lb.toml:6:11: "least-conections" is not a value of "balance": it takes "round-robin", "least-connections", "random" or "two-choices"; did you mean "least-connections"?
  balance = "least-conections"
            ^
for example: balance = "least-connections"
""",
    ),
    (
        "a balance that is like no other",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
balance = "fair"
""",
        """\
lb.toml:6:11: "fair" is not a value of "balance": it takes "round-robin", "least-connections", "random" or "two-choices"
  balance = "fair"
            ^
for example: balance = "least-connections"
""",
    ),
    (
        "a balance that is no text",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
balance = true
""",
        """\
lb.toml:6:11: true is not a value of "balance": it takes "round-robin", "least-connections", "random" or "two-choices"
  balance = true
            ^
for example: balance = "least-connections"
""",
    ),
    (
        "two frontends on one address",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[frontends.more]
listen = "0.0.0.0:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:10: 0.0.0.0:8080 is taken: frontend "web" listens on 127.0.0.1:8080 (0.0.0.0 is every IPv4 address of this machine); give each its own address or port
  listen = "0.0.0.0:8080"
           ^
""",
    ),
    (
        "a Unix path that is too long",
        """\
[frontends.web]
listen = "unix:/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:2:10: a Unix path may have 107 bytes, this one has 125
  listen = "unix:/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           ^
for example: listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]
""",
    ),
    (
        "a listen address without a port",
        """\
[frontends.web]
listen = "127.0.0.1"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:2:10: '127.0.0.1' has no port: write host:port or unix:/path
  listen = "127.0.0.1"
           ^
for example: listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]
""",
    ),
    (
        "a port alone",
        """\
[frontends.web]
listen = 8080
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:2:10: 8080 is not an address: write text like "127.0.0.1:8080" or "unix:/run/app.sock"
  listen = 8080
           ^
for example: listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]
""",
    ),
    (
        "an empty pool",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = []
""",
        """\
lb.toml:5:12: pool "app" is empty: "backends" is missing or has none
  backends = []
             ^
for example: backends = ["127.0.0.1:9001", "unix:/run/app.sock"]
""",
    ),
    (
        "no frontend",
        """\
frontends = {}
""",
        """\
lb.toml:1:13: "frontends" is empty: there must be at least one
  frontends = {}
              ^
for example: frontends.web = { listen = "0.0.0.0:8080", pool = "app" }
""",
    ),
    (
        "an empty file",
        """\
""",
        """\
lb.toml:1:1: "frontends" is missing
for example: frontends.web = { listen = "0.0.0.0:8080", pool = "app" }
""",
    ),
    (
        "a backend without an address",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[[pools.app.backends]]
weight = 2
""",
        """\
lb.toml:4:13: "address" is missing
  [[pools.app.backends]]
              ^
for example: address = "127.0.0.1:9001"
""",
    ),
    (
        "a name in its own table",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
name = "web"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:8: the name comes from the table's header: remove this line
  name = "web"
         ^
""",
    ),
    (
        "no workers",
        """\
workers = 0
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:1:11: 0 is not a number of workers: write 1 to 256, or "auto" for one per CPU
  workers = 0
            ^
for example: workers = 4
""",
    ),
    (
        "text without quotes",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
timeouts.connect = 3s
""",
        """\
lb.toml:6:21: something is left over after the value, or text lacks its quotes
  timeouts.connect = 3s
                      ^
for example: timeouts.connect = "3s"
""",
    ),
    (
        "a quote that is missing",
        """\
[frontends.web]
listen = "127.0.0.1:8080
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:2:25: the text is not closed: a quote is missing at the end of the line
  listen = "127.0.0.1:8080
                          ^
""",
    ),
    (
        "a table that comes twice",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[frontends.web]
listen = "127.0.0.1:8081"
pool = "app"
""",
        """\
lb.toml:6:1: this table was begun before: put all its keys under one header
  [frontends.web]
  ^
""",
    ),
    (
        "a command with an unknown placeholder",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[[pools.app.backends]]
address = "unix:/run/app.sock"
command = "serve --port {port} --name {adress}"
""",
        """\
lb.toml:6:11: {port} needs a TCP address, and this backend listens on unix:/run/app.sock; use {socket}
  command = "serve --port {port} --name {adress}"
            ^

lb.toml:6:11: {adress} is not a placeholder; did you mean "address"?
  command = "serve --port {port} --name {adress}"
            ^
""",
    ),
    (
        "a Unix socket for several processes",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[[pools.app.backends]]
address = "unix:/run/app.sock"
members = 4
""",
        """\
lb.toml:6:11: a Unix socket cannot be shared by 4 members: SO_REUSEPORT works for TCP only; use a TCP address, or one backend with its own socket per process
  members = 4
            ^
""",
    ),
    (
        "a framing field that is set",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
set_request_headers = { Transfer-Encoding = "identity" }
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:25: Transfer-Encoding cannot be set or removed: it says where a message ends, or concerns one connection only
  set_request_headers = { Transfer-Encoding = "identity" }
                          ^
""",
    ),
    (
        "a field for the client that holds a placeholder",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
set_response_headers.X-Client = "{client}"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:33: placeholders are filled in for requests only; write the value itself
  set_response_headers.X-Client = "{client}"
                                  ^
""",
    ),
    (
        "a placeholder of a field that is misspelt",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
set_request_headers.X-Real-IP = "{cleint}"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:33: {cleint} is not a placeholder; did you mean "client"?
  set_request_headers.X-Real-IP = "{cleint}"
                                  ^
""",
    ),
    (
        "a field that is a number",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
set_request_headers = { X-Version = 2 }
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:37: "X-Version" must be text in quotes, not 2
  set_request_headers = { X-Version = 2 }
                                      ^
""",
    ),
    (
        "a field that is removed by setting it to nothing",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
set_request_headers.Cookie = ""
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:30: Cookie is set to nothing; to remove it put its name into remove_request_headers
  set_request_headers.Cookie = ""
                               ^
""",
    ),
    (
        "a redirect to no place",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
redirect = "www.example.com"
""",
        """\
lb.toml:3:12: "www.example.com" is no place to redirect to: write "https", a URL of http or https, or a path; {host} may stand for its host, and {target} or {rest} at its end for what the client asked for
  redirect = "www.example.com"
             ^
for example: redirect = "https://www.example.com{target}"
""",
    ),
    (
        "a redirect with another status",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
redirect = { to = "https", status = 200 }
""",
        """\
lb.toml:3:37: 200 is not a value of "status": it takes 301, 302, 303, 307 or 308
  redirect = { to = "https", status = 200 }
                                      ^
for example: status = 301
""",
    ),
    (
        "a route that leads nowhere",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
routes = [{ path = "/api/" }]
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:11: this route leads nowhere: name a pool, or answer with redirect or respond
  routes = [{ path = "/api/" }]
            ^
for example: pool = "api"
""",
    ),
    (
        "a rewrite where no backend is",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
respond = 404
[[frontends.web.routes]]
path = "/old"
redirect = "/new"
rewrite = "/"
""",
        """\
lb.toml:7:1: rewrite would do nothing here: with redirect these requests reach no backend; remove it
  rewrite = "/"
  ^
""",
    ),
    (
        "a rewrite that is no path",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
routes = [{ path = "/api", pool = "app", rewrite = "" }]
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:4:52: "" does not begin with "/": write "/"
  routes = [{ path = "/api", pool = "app", rewrite = "" }]
                                                     ^
for example: rewrite = "/"
""",
    ),
    (
        "a redirect of whole connections",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
mode = "tcp"
pool = "app"
redirect = "https"
[pools.app]
backends = ["127.0.0.1:9001"]
""",
        """\
lb.toml:5:1: redirect needs mode "http": in mode "tcp" nobody reads requests and responses; remove it, or set mode = "http"
  redirect = "https"
  ^
""",
    ),
    (
        "a pool that leads back",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:8080"]
""",
        """\
lb.toml:5:13: 127.0.0.1:8080 leads back to frontend "web": work would go round for ever; take it out of this pool
  backends = ["127.0.0.1:8080"]
              ^
""",
    ),
    (
        "a pool that nobody uses",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[pools.spare]
backends = ["127.0.0.1:9002"]
""",
        """\
lb.toml:6:8: warning: no frontend uses the pool "spare"
  [pools.spare]
         ^
""",
    ),
    (
        "several errors at once",
        """\
wokers = 1
[frontends.web]
listen = ["0.0.0.0:80800", "unix:app.sock"]
mode = "https"
pool = "api"
[pools.app]
backends = ["127.0.0.1:9001", "127.0.0.1:9001"]
timeouts = { queue = "soon" }
health_check.path = "healthz"
""",
        """\
lb.toml:1:1: unknown key "wokers"; did you mean "workers"?
  wokers = 1
  ^
for example: workers = 4

lb.toml:3:11: port '80800' is not a number from 0 to 65535
  listen = ["0.0.0.0:80800", "unix:app.sock"]
            ^
for example: listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]

lb.toml:3:28: a Unix path must be absolute: unix:/run/app.sock
  listen = ["0.0.0.0:80800", "unix:app.sock"]
                             ^
for example: listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]

lb.toml:4:8: "https" is not a value of "mode": it takes "http" or "tcp"; did you mean "http"?
  mode = "https"
         ^
for example: mode = "http"

lb.toml:5:8: there is no pool "api"; did you mean "app"?
  pool = "api"
         ^
for example: pool = "app"

lb.toml:7:31: backend 127.0.0.1:9001 is in pool "app" twice; to give it more work raise its weight instead
  backends = ["127.0.0.1:9001", "127.0.0.1:9001"]
                                ^
for example: { address = "127.0.0.1:9001", weight = 2 }

lb.toml:8:22: "soon" is not a duration: write a number and ms, s, m, h or d, like "250ms" or "30s"
  timeouts = { queue = "soon" }
                       ^
for example: queue = "5s"

lb.toml:9:21: "healthz" does not begin with "/": write "/healthz"
  health_check.path = "healthz"
                      ^
for example: path = "/healthz"
""",
    ),
    (
        "proxies in front, and who may come in",
        """\
user = "no body"
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
proxy_protocol = "v2"
trusted_proxies = ["10.0.0.1/8", "proxies"]
forwarded = "rfc-7239"
allow = "10.0.0.0/33"
[frontends.raw]
listen = "127.0.0.1:8081"
mode = "tcp"
pool = "app"
proxy_protocol = true
[pools.app]
backends = ["127.0.0.1:9001"]
proxy_protocol = "v3"
""",
        """\
lb.toml:1:8: "no body" is not the name of a user or group: write one like "nobody"
  user = "no body"
         ^
for example: user = "nobody"

lb.toml:5:18: "proxy_protocol" must be true or false, not "v2"
  proxy_protocol = "v2"
                   ^
for example: proxy_protocol = true

lb.toml:6:20: "10.0.0.1/8" names an address within the network: write "10.0.0.0/8"
  trusted_proxies = ["10.0.0.1/8", "proxies"]
                     ^
for example: trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]

lb.toml:6:34: "proxies" is not a network: write one like "10.0.0.0/8", "2001:db8::/32" or "unix:"
  trusted_proxies = ["10.0.0.1/8", "proxies"]
                                   ^
for example: trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]

lb.toml:7:13: "rfc-7239" is not a value of "forwarded": it takes "x-forwarded", "rfc7239" or "both"; did you mean "rfc7239"?
  forwarded = "rfc-7239"
              ^
for example: forwarded = "rfc7239"

lb.toml:8:9: "10.0.0.0/33" is not a network: write one like "10.0.0.0/8", "2001:db8::/32" or "unix:"
  allow = "10.0.0.0/33"
          ^
for example: allow = ["192.0.2.0/24"]

lb.toml:13:18: nobody is trusted to send PROXY headers, so every connection would be refused; name the networks of your proxies in "trusted_proxies"
  proxy_protocol = true
                   ^
for example: trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]

lb.toml:16:18: "v3" is not a value of "proxy_protocol": it takes "v1" or "v2"
  proxy_protocol = "v3"
                   ^
for example: proxy_protocol = "v2"
""",
    ),
    (
        "an admin address that is taken, and tokens that are none",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[admin]
listen = "0.0.0.0:8080"
token = "secret"
unix_mode = 432
""",
        """\
lb.toml:7:10: 0.0.0.0:8080 is taken: frontend "web" listens on 127.0.0.1:8080 (0.0.0.0 is every IPv4 address of this machine); give each its own address or port
  listen = "0.0.0.0:8080"
           ^

lb.toml:8:9: a token of under 16 characters can be guessed
  token = "secret"
          ^
for example: token = "JGmqXlnBbS4rD2a9"

lb.toml:9:13: 432 is not a file mode: write octal digits in quotes, like "0660"
  unix_mode = 432
              ^
for example: unix_mode = "0660"
""",
    ),
    (
        "an admin address for everybody, and two tokens",
        """\
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[admin]
listen = "0.0.0.0:9900"
token = "JGmqXlnBbS4rD2a9"
token_file = "/etc/rproxy/admin-token"
""",
        """\
lb.toml:7:10: warning: whoever reaches 0.0.0.0:9900 from elsewhere reads everything, and a token is sent in clear; listen on 127.0.0.1, or on a Unix socket; from elsewhere come through ssh -L, or a frontend with TLS
  listen = "0.0.0.0:9900"
           ^

lb.toml:9:14: the token stands in the file already: "token" and "token_file" are two ways to say it; remove one of them
  token_file = "/etc/rproxy/admin-token"
               ^
""",
    ),
]


@pytest.mark.parametrize(("text", "messages"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_messages(text: str, messages: str) -> None:
    assert render_problems(check_text(text, "lb.toml").problems) == messages


def test_a_fault_that_pydantic_words_in_a_way_unknown_to_us() -> None:
    detail = InitErrorDetails(type=PydanticCustomError("new_kind", "Input should be …"), loc=("workers",), input=0)
    error = ValidationError.from_exception_data("Config", [detail])
    (finding,) = findings(error, {"workers": 0})
    assert (finding.message, finding.example) == ('"workers" has a value that does not fit', "workers = 4")
