"""A queue server that speaks beanstalkd's protocol, all of it, without its log on disk.

Source: doc/protocol.txt of beanstalkd 1.12. The same tests run against both.
"""
