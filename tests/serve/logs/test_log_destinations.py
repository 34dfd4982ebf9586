"""Where logs go: real files, pipes and sockets, and what is kept when they do not take it."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import LogFile, LogStdout, LogSyslog
from proxy.serve.logs.log_destinations import File, Stdout, Syslog, open_destination
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


@pytest.fixture
def file(path: Path) -> Iterator[File]:
    file = File(str(path))
    yield file
    file.close()


def test_lines_of_several_writers_come_whole_through_a_pipe_that_is_full() -> None:
    """As those of several workers, whose standard output is read slowly."""
    read_end, write_end = os.pipe()
    lines = [[f"{name}{number} {name * (number % 900)}\n" for number in range(1000)] for name in "ab"]
    writers = [threading.Thread(target=Stdout(write_end).write, args=(own,)) for own in lines]
    for writer in writers:
        writer.start()
    found = b""
    while len(found) < sum(len(line) for own in lines for line in own):
        found += os.read(read_end, 3000)
    for writer in writers:
        writer.join()
    os.close(read_end)
    os.close(write_end)
    assert sorted(found.decode().splitlines(keepends=True)) == sorted(lines[0] + lines[1])


def test_the_right_one_for_each_target(path: Path) -> None:
    assert type(open_destination(LogStdout())) is Stdout
    assert type(open_destination(LogSyslog(TcpAddress("127.0.0.1", 1)))) is Syslog
    file = open_destination(LogFile(str(path)))
    assert type(file) is File
    file.close()


def test_a_file_is_appended_to_and_not_for_everybody(path: Path) -> None:
    for number in range(2):
        file = File(str(path))
        assert file.write([f"{number}a\n", f"{number}b\n"]) == ""
        file.close()
    assert path.read_text() == "0a\n0b\n1a\n1b\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_was_moved_is_opened_anew(path: Path, file: File) -> None:
    file.write(["1\n"])
    old = path.rename(path.with_suffix(".1"))
    file.write(["2\n"])
    path.unlink()
    file.write(["3\n"])
    assert (old.read_text(), path.read_text()) == ("1\n", "3\n")


def test_a_file_that_was_truncated_goes_on_from_there(path: Path, file: File) -> None:
    file.write(["1\n"])
    os.truncate(path, 0)  # logrotate's copytruncate
    file.write(["2\n"])
    assert path.read_text() == "2\n"


def test_when_it_is_asked_the_file_is_opened_anew_without_a_line(path: Path, file: File) -> None:
    path.unlink()
    file.reopen()
    assert file.write([]) == ""
    assert path.exists()


def test_when_the_path_cannot_be_opened_the_old_file_goes_on(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    path = directory / "web.log"
    file = File(str(path))
    moved = directory.rename(tmp_path / "moved")
    complaint = file.write(["1\n"])
    assert "the old file is still written to" in complaint
    assert "No such file or directory" in complaint
    assert (moved / "web.log").read_text() == "1\n"
    directory.mkdir()
    assert file.write(["2\n"]) == ""
    assert path.read_text() == "2\n"
    file.close()


def test_what_a_full_disk_does_not_take_is_kept() -> None:
    full = Stdout(os.open("/dev/full", os.O_WRONLY))
    for lines in (["1\n"], ["2\n"], []):
        with pytest.raises(OSError, match="No space left"):
            full.write(lines)
    read_end, write_end = os.pipe()
    os.close(full._descriptor)
    full._descriptor = write_end
    full.write(["3\n"])
    assert os.read(read_end, 100) == b"1\n2\n3\n"
    os.close(read_end)
    os.close(write_end)


def test_a_line_of_which_half_is_in_the_old_file_does_not_begin_the_new_one(path: Path, file: File) -> None:
    file._left = b"if\n2\n"  # as after a short write
    file._is_torn = True
    path.rename(path.with_suffix(".1"))
    file.write(["3\n"])
    assert path.read_text() == "2\n3\n"


def test_output_that_somebody_made_non_blocking_is_waited_for() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    output = Stdout(write_end)
    lines = ["x" * 1023 + "\n"] * 200  # three times what a pipe holds
    thread = threading.Thread(target=output.write, args=(lines,))
    thread.start()
    data = b""
    while len(data) < 200 * 1024:
        data += os.read(read_end, 65536)
    thread.join()
    os.close(read_end)
    os.close(write_end)
    assert data.decode() == "".join(lines)


def test_a_pipe_without_a_reader_is_an_error_and_no_wait(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="No such device or address"):
        File(str(fifo))


# ---------------------------------------------------------------------- syslog


def unix_daemon(path: str) -> socket.socket:
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(path)
    return daemon


def test_a_datagram_per_line() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as daemon, short_directory() as directory:
        daemon.bind(("127.0.0.1", 0))
        udp = Syslog(LogSyslog(TcpAddress(*daemon.getsockname())))
        udp.write(["1", "2"])
        assert [daemon.recv(100), daemon.recv(100)] == [b"1", b"2"]
        udp.close()
        path = str(directory / "log")
        with unix_daemon(path) as dev_log:
            unix = Syslog(LogSyslog(UnixAddress(path)))
            unix.write(["1", "2"])
            assert [dev_log.recv(100), dev_log.recv(100)] == [b"1", b"2"]
            unix.close()


def test_a_daemon_that_is_not_there_yet_gets_the_lines_when_it_is() -> None:
    with short_directory() as directory:
        path = str(directory / "log")
        syslog = Syslog(LogSyslog(UnixAddress(path)))
        with pytest.raises(OSError, match="No such file"):
            syslog.write(["1"])
        with unix_daemon(path) as daemon:
            syslog.write(["2"])
            assert [daemon.recv(100), daemon.recv(100)] == [b"1", b"2"]
        with pytest.raises(ConnectionRefusedError):
            syslog.write(["3"])
        os.unlink(path)
        with unix_daemon(path) as daemon:  # restarted
            syslog.write(["4"])
            assert [daemon.recv(100), daemon.recv(100)] == [b"3", b"4"]
        syslog.close()


def test_over_tcp_lines_go_together_and_a_broken_connection_is_made_anew() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        syslog = Syslog(LogSyslog(TcpAddress(*listener.getsockname()), is_stream=True))
        syslog.write([f"{number} " for number in range(100)])
        connection, _ = listener.accept()
        assert connection.recv(1000).startswith(b"0 1 2 ")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        with pytest.raises(ConnectionResetError):
            syslog.write(["again"])
        syslog.write([])
        connection, _ = listener.accept()
        assert connection.recv(100) == b"again"
        connection.close()
        syslog.close()


def test_what_will_never_fit_into_a_datagram_is_left_out() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        syslog = Syslog(LogSyslog(TcpAddress(*daemon.getsockname())))
        syslog.write(["x" * 70_000, "2"])
        assert daemon.recv(100) == b"2"
        syslog.close()
