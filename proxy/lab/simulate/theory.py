"""What queueing theory says where it has an answer: the mean time that a request waits for a worker."""

from __future__ import annotations


def erlang_c(servers: int, offered: float) -> float:
    """The probability that a request has to wait in M/M/c. offered: rate times mean service, below `servers`.

    By the recursion of Erlang B, which neither overflows nor loses digits: O(servers).
    Source: A. K. Erlang, 1917; Cooper, Introduction to Queueing Theory, 1981, sections 3.3 and 3.4.
    """
    blocking = 1.0
    for servers_so_far in range(1, servers + 1):
        blocking = offered * blocking / (servers_so_far + offered * blocking)
    return blocking / (1 - offered / servers * (1 - blocking))


def mmc_wait(servers: int, rate: float, mean: float) -> float:
    """Seconds, in M/M/c: one queue, `servers` of them, Poisson arrivals, exponential service."""
    offered = rate * mean
    return erlang_c(servers, offered) * mean / (servers - offered)


def mg1_wait(rate: float, mean: float, cv2: float) -> float:
    """Seconds, in M/G/1: one worker, Poisson arrivals, any service with that cv2.

    Source: Pollaczek 1930 and Khinchine 1932.
    """
    load = rate * mean
    return load * mean * (1 + cv2) / 2 / (1 - load)


def two_choices_wait(load: float, mean: float) -> float:
    """Seconds, with very many workers, Poisson arrivals, exponential service and the shorter of two random queues.

    The time in the system is the sum of load**(2**i - 2) for i from 1, in units of the mean service.
    Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12 (10), 2001.
    """
    total, term, exponent = 0.0, 1.0, 0
    while term > 1e-12 * total:
        term = float(load**exponent)
        total += term
        exponent = 2 * exponent + 2
    return (total - 1) * mean
